#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

KEYS="filename format type virtual-size actual-size file-size block-size
logical-sector-size physical-sector-size allocated-blocks total-blocks id
creator dirty-flag parent chain-length conditions parent-locators"

@test "fixed VHD: every key, and values" {
	fixed_vhd a.vhd
	json=$(vhdtool info --json a.vhd)
	has_keys "$json" $KEYS
	jq -e '.format == "vhd" and .type == "fixed" and
		."virtual-size" == 1048576 and ."file-size" == 1049088 and
		."logical-sector-size" == 512 and .parent == null and
		."chain-length" == 1 and ."dirty-flag" == false' <<<"$json"
	[[ "$(jq -r .id <<<"$json")" == *[0-9a-f]-* ]]
}

@test "text names format, size and creator" {
	fixed_vhd a.vhd
	status 0 vhdtool info a.vhd
	[[ "$output" == *"vhd, fixed"* ]]
	[[ "$output" == *"1 MiB (1048576 bytes)"* ]]
	[[ "$output" == *test* ]]
	[ -z "$stderr" ]
}

@test "creator text of an image is escaped" {
	fixed_vhd a.vhd $'\e[1m'
	vhdtool info a.vhd >out
	run ! grep -q $'\e' out
	vhdtool info --json a.vhd | jq -e 'has("creator")'
}

@test "raw" {
	sparse_raw a.raw
	vhdtool info --json a.raw | jq -e '.format == "raw" and
		."virtual-size" == 16777216 and ."host-file".sparse'
}

@test "dynamic VHDX: sizes as qemu-img says" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	json=$(vhdtool info --json a.vhdx)
	has_keys "$json" $KEYS
	want=$(qemu-img info --output=json -f vhdx a.vhdx)
	[ "$(jq '."virtual-size"' <<<"$json")" = \
		"$(jq '."virtual-size"' <<<"$want")" ]
	[ "$(jq '."block-size"' <<<"$json")" = \
		"$(jq '."cluster-size"' <<<"$want")" ]
	jq -e '.type == "dynamic" and ."allocated-blocks" >= 1 and
		."total-blocks" >= ."allocated-blocks"' <<<"$json"
}

@test "the content may be asked for the format" {
	fixed_vhd a.vhd
	mv a.vhd a.bin
	vhdtool info --json a.bin | jq -e '.format == "vhd"'
}

@test "neither extension nor content tell the format: exit 2" {
	yes | head -c 4096 >a.bin
	status 2 vhdtool info a.bin
	[[ "$stderr" == *hint:* ]]
}

@test "a chain: parent resolved, all layers with --chain" {
	corpus fatt-parent.vhd fatt-child.vhd
	vhdtool info --json fatt-child.vhd | jq -e '.type == "differencing" and
		.parent.resolved == true and ."chain-length" == 2 and
		(.parent.path | endswith("fatt-parent.vhd")) and
		(."parent-locators" | length) > 0'
	vhdtool info --json --chain fatt-child.vhd | jq -e 'length == 2 and
		.[1].parent == null and .[1]."chain-length" == 1 and
		.[0].parent.id == .[1].id'
}

@test "a parent is named as qemu-img names a backing file" {
	corpus fatt-parent.vhd fatt-child.vhd
	vhdtool info --json fatt-child.vhd | jq -e '
		."backing-filename" != null and
		."full-backing-filename" == .parent.path and
		."backing-filename-format" == "vhd"'
	vhdtool info --json fatt-parent.vhd |
		jq -e 'has("backing-filename") | not'
	rm fatt-parent.vhd
	vhdtool info --json fatt-child.vhd | jq -e 'has("backing-filename") and
		(has("full-backing-filename") | not)'
}

@test "a missing parent is said, not an error" {
	corpus real-win10-fat-differential.vhd
	vhdtool info --json real-win10-fat-differential.vhd |
		jq -e '.parent.resolved == false and (.parent.reason | length) > 0'
	status 0 vhdtool info real-win10-fat-differential.vhd
	[[ "$output" == *"NOT FOUND"* ]]
}

@test "parents of a guessed format are not followed" {
	corpus fatt-parent.vhd fatt-child.vhd
	mv fatt-child.vhd child.bin
	vhdtool info --json child.bin | jq -e '.parent.resolved == false'
	vhdtool info --json -f vhd child.bin | jq -e '.parent.resolved'
}

@test "a dirty log is told" {
	corpus real-win10-dirty-log.vhdx
	vhdtool info --json real-win10-dirty-log.vhdx |
		jq -e '."dirty-flag" and .log.state == "dirty" and
			(.conditions | map(.code) | index("log-dirty") != null)'
}

@test "a damaged block table leaves the rest to be shown" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	offset=$(vhdtool info --json a.vhdx | jq '."bat-offset"')
	# state 6, but far behind the end of the file
	printf '\x06\x00\xf0\xff\xff\x7f\x00\x00' |
		dd of=a.vhdx bs=1 seek="$offset" conv=notrunc status=none
	vhdtool info --json a.vhdx | jq -e '."virtual-size" == 16777216'
}

@test "64 TiB: little is read" {
	need qemu-img strace
	qemu-img create -q -f vhdx -o block_size=1M huge.vhdx 64T
	# the leak checker of a sanitizer build cannot work below strace
	ASAN_OPTIONS=detect_leaks=0 strace -f \
		-e trace=read,pread64,preadv,readv -o trace \
		"$VHDTOOL" info --json huge.vhdx >json
	jq -e '."virtual-size" == 70368744177664 and
		."total-blocks" == 67108864' json
	bytes=$(awk -F'= ' '{ n += $NF } END { print n + 0 }' trace)
	[ "$bytes" -lt 16777216 ]
}
