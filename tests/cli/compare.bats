#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

@test "the same content in other formats: exit 0" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	status 0 vhdtool compare a.vhdx a.raw
	[[ "$output" == *same* ]]
	vhdtool compare --json a.raw a.vhdx |
		jq -e '.equal == true and ."first-difference" == null'
}

@test "a difference: exit 3, the first byte named" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	printf x | dd of=a.raw bs=1 seek=5000001 conv=notrunc status=none
	printf x | dd of=a.raw bs=1 seek=6000000 conv=notrunc status=none
	status 3 vhdtool compare a.vhdx a.raw
	[[ "$output" == *5000001* ]]
	status 3 vhdtool compare --json a.vhdx a.raw
	jq -e '.equal == false and ."first-difference" == 5000001' <<<"$output"
}

@test "a longer disk is equal if the rest is zeros" {
	sparse_raw a.raw
	cp a.raw b.raw
	truncate -s 20M b.raw
	status 0 vhdtool compare a.raw b.raw
	status 0 vhdtool compare b.raw a.raw
	printf x | dd of=b.raw bs=1 seek=20971000 conv=notrunc status=none
	status 3 vhdtool compare a.raw b.raw
	[[ "$output" == *20971000* || "$output" == *16777216* ]]
}

@test "-f belongs to A, -F to B" {
	fixed_vhd a.vhd
	mv a.vhd a.bin
	cp a.vhd.content b.bin
	status 0 vhdtool compare -f vhd -F raw a.bin b.bin
	status 2 vhdtool compare -f vhd a.bin b.bin
	mv b.bin b.raw
	status 0 vhdtool compare -f vhd a.bin b.raw
}

@test "not readable: exit 1" {
	fixed_vhd a.vhd
	status 1 vhdtool compare a.vhd absent.raw
	status 1 vhdtool compare absent.vhd a.vhd
}

@test "a disk with itself" {
	fixed_vhd a.vhd
	status 0 vhdtool compare a.vhd a.vhd
}
