#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

@test "a single image is a chain of one" {
	fixed_vhd a.vhd
	status 0 vhdtool chain a.vhd
	[ "${#lines[@]}" = 1 ]
	vhdtool chain --json a.vhd | jq -e '.complete and ."chain-length" == 1 and
		.layers[0].verdict == "base"'
}

@test "child and parent, with the verdict on the identity" {
	corpus fatt-parent.vhd fatt-child.vhd
	status 0 vhdtool chain fatt-child.vhd
	[[ "${lines[0]}" == fatt-child.vhd* ]]
	[[ "${lines[1]}" == *fatt-parent.vhd*"identity matches"* ]]
	vhdtool chain --json fatt-child.vhd | jq -e '.complete and
		(.layers | length) == 2 and .layers[0].verdict == "match"'
}

@test "a missing parent: exit 1, but what is there is shown" {
	corpus fatt-child.vhd
	status 1 vhdtool chain fatt-child.vhd
	[[ "${lines[0]}" == fatt-child.vhd* ]]
	[[ "${lines[1]}" == *fatt-parent.vhd*"NOT FOUND"* ]]
	[[ "$stderr" == *fatt-child.vhd*hint:*--parent* ]]
}

@test "the wrong parent: exit 1, shown with its verdict" {
	corpus fatt-child.vhd
	fixed_vhd fatt-parent.vhd
	truncate -s 12582912 fatt-parent.vhd
	footer 12582912 test >>fatt-parent.vhd
	status 1 vhdtool chain fatt-child.vhd
	[[ "$output" == *"IDENTITY DIFFERS"* ]]
	status 0 vhdtool chain --ignore-id-mismatch fatt-child.vhd
	status 1 vhdtool read --length 512 fatt-child.vhd
	[[ "$stderr" == *fatt-parent.vhd* ]]
	status 0 vhdtool read --length 512 --ignore-id-mismatch fatt-child.vhd
}

@test "a parent elsewhere: only by --parent or --parent-root" {
	corpus fatt-parent.vhd fatt-child.vhd
	mkdir elsewhere
	mv fatt-parent.vhd elsewhere
	status 1 vhdtool chain fatt-child.vhd
	status 0 vhdtool chain --parent elsewhere/fatt-parent.vhd fatt-child.vhd
	[[ "$output" == *fatt-parent.vhd*matches* ]]
}

@test "a parent that is a link out of the folder is not opened" {
	corpus fatt-parent.vhd fatt-child.vhd
	mkdir inside
	mv fatt-child.vhd inside
	ln -s ../fatt-parent.vhd inside/fatt-parent.vhd
	status 1 vhdtool chain inside/fatt-child.vhd
	status 1 vhdtool read --length 512 inside/fatt-child.vhd
}
