#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

# the only names in the folder of the output are those given
only() {
	diff <(ls -A out) <(printf '%s\n' "$@" | sed '/^$/d')
}

@test "to raw, by extension and by -O" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	mkdir out
	status 0 vhdtool convert a.vhdx out/a.img
	[ -z "$output$stderr" ]
	cmp out/a.img a.raw
	status 0 vhdtool convert -O raw a.vhdx out/a.bin
	cmp out/a.bin a.raw
	only a.bin a.img
}

@test "zeros become holes" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	vhdtool convert a.vhdx b.raw
	[ "$(du -k b.raw | cut -f1)" -lt 8192 ]
}

@test "an existing output is refused, and replaced with --force" {
	fixed_vhd a.vhd
	printf precious >b.raw
	status 1 vhdtool convert a.vhd b.raw
	[[ "$stderr" == "vhdtool: b.raw: "*hint:*--force* ]]
	[ "$(cat b.raw)" = precious ]
	status 0 vhdtool convert --force a.vhd b.raw
	cmp b.raw a.vhd.content
}

@test "an output that is the source is refused, --force or not" {
	fixed_vhd a.vhd
	cp a.vhd before
	ln a.vhd b.raw
	status 1 vhdtool convert --force a.vhd b.raw
	status 1 vhdtool convert --force -O raw a.vhd a.vhd
	cmp a.vhd before
}

@test "an output that is a parent of the source is refused" {
	corpus fatt-parent.vhd fatt-child.vhd
	sum=$(sha256sum fatt-parent.vhd)
	status 1 vhdtool convert --force -O raw fatt-child.vhd fatt-parent.vhd
	[ "$(sha256sum fatt-parent.vhd)" = "$sum" ]
}

@test "an extension that tells no format: exit 2 with a hint, nothing written" {
	fixed_vhd a.vhd
	status 2 vhdtool convert a.vhd b.bin
	[[ "$stderr" == *"-O vhdx"* ]]
	[ ! -e b.bin ]
}

@test "to a stream" {
	fixed_vhd a.vhd
	vhdtool convert a.vhd - | cmp - a.vhd.content
	status 2 vhdtool convert --verify a.vhd -
}

@test "--gzip, to a file and to a stream" {
	need gzip
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	vhdtool convert --gzip a.vhdx b.raw.gz
	gzip -dc b.raw.gz | cmp - a.raw
	vhdtool convert --gzip a.vhdx - | gzip -dc | cmp - a.raw
}

@test "--verify, -j, --reflink never" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	status 0 vhdtool convert --verify -j 4 --reflink never a.vhdx b.raw
	cmp b.raw a.raw
	status 0 vhdtool convert -j1 a.vhdx c.raw
	cmp c.raw a.raw
}

@test "a chain is flattened; --layer takes one" {
	corpus fatt-parent.vhd fatt-child.vhd
	want=$(awk -F'\t' '$1 == "fatt-child.vhd.xz" { print $7 }' \
		"$CORPUS/MANIFEST.tsv")
	vhdtool convert fatt-child.vhd all.raw
	[ "$(sha256sum <all.raw)" = "$want  -" ]
	vhdtool convert --layer fatt-child.vhd one.raw
	[ "$(stat -c %s one.raw)" = "$(stat -c %s all.raw)" ]
	! cmp -s one.raw all.raw
}

@test "a missing parent: exit 1, no output" {
	corpus fatt-child.vhd
	mkdir out
	status 1 vhdtool convert fatt-child.vhd out/a.raw
	only ""
}

@test "a damaged image: exit 1 before anything is written" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	offset=$(vhdtool info --json a.vhdx | jq '."bat-offset"')
	printf '\x06\x00\xf0\xff\xff\x7f\x00\x00' |
		dd of=a.vhdx bs=1 seek="$offset" conv=notrunc status=none
	mkdir out
	status 1 vhdtool convert a.vhdx out/a.raw
	only ""
	[[ "$stderr" == *byte* ]]
}

@test "an output folder that does not exist: exit 1, named" {
	fixed_vhd a.vhd
	status 1 vhdtool convert a.vhd nowhere/b.raw
	[[ "$stderr" == *nowhere/b.raw* ]]
}

@test "a full device is an error that is told" {
	fixed_vhd a.vhd
	run -1 bash -c '"$VHDTOOL" convert a.vhd - >/dev/full'
	[ -n "$output" ]
}

@test "no space for the output: exit 1, no debris" {
	sparse_raw a.raw
	mkdir out
	# a limit on the size of files does what a full disk would
	run -1 bash -c 'trap "" XFSZ; ulimit -f 1024
		"$VHDTOOL" convert --reflink never a.raw out/b.raw'
	[ -n "$output" ]
	only ""
}

@test "--progress=json: lines of JSON on stderr, the last one complete" {
	sparse_raw a.raw
	status 0 vhdtool convert --progress=json a.raw b.raw
	last=${stderr_lines[-1]}
	has_keys "$last" done total rate seconds-left
	jq -e '.done == .total' <<<"$last"
	status 0 vhdtool convert --quiet --progress=json a.raw c.raw
	[ -z "$stderr" ]
}
