#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Making an image smaller in place: content, ids and children stay.
load helper

# half IMAGE: 40 MiB of data, of which the first half was discarded
half() {
	vhdtool create --size 64M $1
	head -c 40M /dev/urandom | vhdtool write $1
	vhdtool discard --offset 0 --length 20M $1
}

size_of() {
	stat -c %s $1
}

# identity IMAGE: what children and people know it by
identity() {
	vhdtool info --json $1 | jq -r .id
	vhdtool hash $1
}

@test "the file shrinks as a dry run foretells; content and id stay" {
	for image in a.vhd a.vhdx; do
		half $image
		before=$(identity $image)
		old=$(size_of $image)
		cp $image untouched
		status 0 vhdtool compact --dry-run --json $image
		foretold=$(jq '."file-size"' <<<"$output")
		cmp $image untouched
		status 0 vhdtool compact --json $image
		[ "$(jq '."file-size"' <<<"$output")" = "$(size_of $image)" ]
		[ "$foretold" = "$(size_of $image)" ]
		[ "$(size_of $image)" -lt $((old - 15 * 1048576)) ]
		[ "$(identity $image)" = "$before" ]
		vhdtool check $image
	done
	need qemu-img
	qemu-img check -f vhdx a.vhdx
}

@test "an image without anything to gain is not touched" {
	for image in a.vhd a.vhdx; do
		half $image
		vhdtool compact $image
		cp $image before
		vhdtool compact $image
		cmp $image before
	done
}

@test "a child of a compacted parent reads the same" {
	for format in vhd vhdx; do
		half p.$format
		vhdtool snapshot p.$format c.$format
		head -c 1M /dev/urandom |
			vhdtool write --offset 30M c.$format
		content=$(vhdtool hash c.$format)
		vhdtool compact --zeroes p.$format
		[ "$(vhdtool hash c.$format)" = "$content" ]
	done
}

@test "a child lets go of what its parent shows" {
	for format in vhd vhdx; do
		half p.$format
		vhdtool snapshot p.$format c.$format
		vhdtool read --offset 30M --length 8M p.$format >same
		vhdtool write --offset 30M c.$format <same
		content=$(vhdtool hash c.$format)
		status 0 vhdtool compact --json c.$format
		[ "$(jq '."parent-blocks"' <<<"$output")" -ge 3 ]
		[ "$(vhdtool hash c.$format)" = "$content" ]
		vhdtool check c.$format
	done
}

@test "fixed images: compact refuses, trim has nothing to do" {
	for format in vhd vhdx; do
		vhdtool create --type fixed --size 8M f.$format
		cp f.$format before
		status 1 vhdtool compact f.$format
		[[ "$stderr" == *"fixed size"*hint:* ]]
		status 0 vhdtool trim f.$format
		[[ "$output" == *"fixed size"* ]]
		cmp f.$format before
	done
}
