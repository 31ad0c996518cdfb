#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# dump and log: looking inside
load helper

@test "dump: structures and fields with offsets" {
	fixed_vhd a.vhd
	status 0 vhdtool dump a.vhd
	[[ "$output" == *"at byte 1048576"* ]]
	[[ "$output" == *conectix* ]]
	vhdtool dump --json a.vhd | jq -e 'length >= 1 and
		.[0].offset == 1048576 and (.[0].fields | length) > 10 and
		all(.[0].fields[]; has("name") and has("offset") and
			has("size") and has("value"))'
}

@test "dump: a VHDX, and one with a damaged header" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	vhdtool dump --json a.vhdx | jq -e 'length > 4'
	printf x | dd of=a.vhdx bs=1 seek=$((65536 + 100)) conv=notrunc \
		status=none
	status 0 vhdtool dump a.vhdx
}

@test "dump asks the content for the format" {
	fixed_vhd a.vhd
	mv a.vhd a.bin
	status 0 vhdtool dump a.bin
}

@test "log: clean" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	status 0 vhdtool log a.vhdx
	[[ "$output" == *clean* ]]
	vhdtool log --json a.vhdx | jq -e '.verdict == "clean" and .id == null'
}

@test "log: dirty, with its entries" {
	corpus real-win10-dirty-log.vhdx
	vhdtool log --json real-win10-dirty-log.vhdx | jq -e '
		.verdict == "dirty" and ."active-entries" == 2 and
		([.entries[] | select(.active)] | length) == 2'
	status 0 vhdtool log real-win10-dirty-log.vhdx
	[[ "$output" == *"to be replayed"* ]]
}

@test "log: a VHD has none: exit 1" {
	fixed_vhd a.vhd
	status 1 vhdtool log a.vhd
	[ -z "$output" ]
}
