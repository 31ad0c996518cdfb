#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

@test "json covers the disk without gaps, with the keys of qemu-img" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	json=$(vhdtool map --json a.vhdx)
	has_keys "$(jq '.[0]' <<<"$json")" start length depth present zero data
	[ "$(jq 'map(.length) | add' <<<"$json")" = 16777216 ]
	jq -e '. as $m | all(range(1; length);
		$m[.].start == $m[. - 1].start + $m[. - 1].length)' <<<"$json"
	jq -e 'all(.[]; (.data | not) or has("offset"))' <<<"$json"
	jq -e 'all(.[]; .data or (has("offset") | not))' <<<"$json"
}

@test "offsets are where the data is" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	vhdtool map --json a.vhdx |
		jq -r '.[] | select(.data) | "\(.start) \(.length) \(.offset)"' |
		while read -r start length offset; do
			cmp -n "$length" a.raw a.vhdx "$start" "$offset"
		done
}

@test "adjacent equal extents are merged" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	vhdtool map --json a.vhdx | jq -e '. as $m | all(range(1; length);
		$m[.].data != $m[. - 1].data or
		$m[.].offset != $m[. - 1].offset + $m[. - 1].length)'
	fixed_vhd b.vhd
	[ "$(vhdtool map --json b.vhd | jq length)" = 1 ]
}

@test "agrees with qemu-img map" {
	need qemu-img
	sparse_raw a.raw
	qemu-img convert -f raw -O vpc -o force_size a.raw a.vhd
	vhdtool map --json a.vhd | jq -c '.[] | select(.data) |
		[.start, .length, .offset]' >ours
	qemu-img map --output=json -f vpc a.vhd | jq -c '.[] |
		select(.data) | [.start, .length, .offset]' >theirs
	diff ours theirs
}

@test "--allocated shows only what is stored" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	vhdtool map --json --allocated a.vhdx | jq -e 'all(.[]; .data)'
	status 0 vhdtool map --allocated a.vhdx
	[[ "$output" != *zero* ]]
	status 0 vhdtool map a.vhdx
	[[ "$output" == *zero* ]]
}

@test "layers of a chain" {
	corpus fatt-parent.vhd fatt-child.vhd
	vhdtool map --json fatt-child.vhd |
		jq -e '[.[] | select(.data) | .depth] | unique == [0, 1]'
	vhdtool map --json --layer fatt-child.vhd |
		jq -e '[.[] | select(.data) | .depth] | unique == [0]'
}

@test "--layer: what the parent would show is not present" {
	corpus fatt-parent.vhd fatt-child.vhd
	vhdtool map --json --layer fatt-child.vhd | jq -e 'all(.[];
		if .data then .present else .zero and (.present | not) end)'
	vhdtool map --json fatt-child.vhd | jq -e 'all(.[]; .present)'
	status 0 vhdtool map --layer fatt-child.vhd
	[[ "$output" == *parent* && "$output" != *zero* ]]
}

@test "json of a raw disk tells holes of the file; --allocated leaves them out" {
	sparse_raw a.raw
	vhdtool map --json a.raw | jq -e 'map(select(.zero)) as $holes |
		($holes | length) > 0 and
		all($holes[]; .present and (.data | not) and .offset == .start)'
	vhdtool map --json --allocated a.raw |
		jq -e 'length > 0 and all(.[]; .data and (.zero | not))'
}

@test "a damaged block table gives no JSON at all" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	offset=$(vhdtool info --json a.vhdx | jq '."bat-offset"')
	printf '\x06\x00\xf0\xff\xff\x7f\x00\x00' |
		dd of=a.vhdx bs=1 seek="$offset" conv=notrunc status=none
	status 1 vhdtool map --json a.vhdx
	[ -z "$output" ]
	[ -n "$stderr" ]
}

@test "--svg: well-formed, bounded, complete, never over a file" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	status 0 vhdtool map --svg a.svg a.vhdx
	[ -z "$output" ]
	if command -v xmllint >/dev/null; then
		xmllint --noout a.svg
	fi
	[[ "$(tail -n 1 a.svg)" == "</svg>" ]]
	[ "$(grep -c '<rect' a.svg)" -le 2000 ]
	status 1 vhdtool map --svg a.svg a.vhdx
	[[ "$stderr" == *hint:*--force* ]]
	status 0 vhdtool map --force --svg a.svg a.vhdx
	[ "$(ls -A | grep -c svg)" = 1 ]
	vhdtool map --svg - a.vhdx | cmp - a.svg
}

@test "--svg: names of files are data, not markup" {
	fixed_vhd 'a<b>&c.vhd'
	vhdtool map --svg - 'a<b>&c.vhd' >a.svg
	grep -q 'a&lt;b&gt;&amp;c.vhd' a.svg
}

@test "--svg and --json together: exit 2" {
	fixed_vhd a.vhd
	status 2 vhdtool map --svg a.svg --json a.vhd
}

@test "--svg of a 64 TiB disk is as small" {
	need qemu-img
	qemu-img create -q -f vhdx huge.vhdx 64T
	vhdtool map --svg huge.svg huge.vhdx
	[ "$(stat -c %s huge.svg)" -lt 1000000 ]
}
