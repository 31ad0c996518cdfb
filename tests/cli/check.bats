#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

@test "a sound image: exit 0" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	status 0 vhdtool check a.vhdx
	[[ "$output" == *"no faults"* ]]
	json=$(vhdtool check --json a.vhdx)
	has_keys "$json" filename format check-errors corruptions leaks \
		image-end-offset faults
	jq -e '.format == "vhdx" and ."check-errors" == 0 and
		.corruptions == 0' <<<"$json"
}

@test "a fixed VHD" {
	fixed_vhd a.vhd
	status 0 vhdtool check a.vhd
}

@test "damage: exit 3, named with structure, offset and severity" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	offset=$(vhdtool info --json a.vhdx | jq '."bat-offset"')
	printf '\x06\x00\xf0\xff\xff\x7f\x00\x00' |
		dd of=a.vhdx bs=1 seek="$offset" conv=notrunc status=none
	status 3 vhdtool check a.vhdx
	[[ "$output" == *"(byte "* ]]
	status 3 vhdtool check --json a.vhdx
	jq -e '(.corruptions + ."check-errors") > 0 and
		(.faults | length) > 0' <<<"$output"
	has_keys "$(jq '.faults[0]' <<<"$output")" code structure offset \
		severity message repairable
	jq -e 'all(.faults[]; .severity | IN("remark", "leak", "error",
		"corrupt"))' <<<"$output"
}

@test "one bad header of two: exit 3, yet readable" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	printf x | dd of=a.vhdx bs=1 seek=$((65536 + 100)) conv=notrunc \
		status=none
	status 3 vhdtool check a.vhdx
	vhdtool read a.vhdx 2>/dev/null | cmp - a.raw
}

@test "leaked space alone: exit 4" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	truncate -s +64M a.vhdx
	yes | head -c 1M >>a.vhdx
	status 4 vhdtool check a.vhdx
	status 4 vhdtool check --json a.vhdx
	jq -e '.leaks > 0 and .corruptions == 0' <<<"$output"
}

@test "a missing parent is a fault, unless --layer" {
	corpus fatt-child.vhd
	run -3 vhdtool check fatt-child.vhd
	run -0 vhdtool check --layer fatt-child.vhd
}

@test "--chain checks each layer" {
	corpus fatt-parent.vhd fatt-child.vhd
	run -0 vhdtool check --chain fatt-child.vhd
	vhdtool check --json --chain fatt-child.vhd | jq -e '.layers == 2'
}

@test "a guessed format is checked, but its parents are not opened" {
	corpus fatt-child.vhd
	mv fatt-child.vhd child.bin
	run -0 vhdtool check child.bin
	run -2 vhdtool check --chain child.bin
}

@test "no image of the format: exit 1 or 3, never 0" {
	yes | head -c 65536 >a.vhd
	run vhdtool check a.vhd
	[ "$status" = 1 ] || [ "$status" = 3 ]
}
