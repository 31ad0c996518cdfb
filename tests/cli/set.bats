#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# set: properties change, the content does not.
load helper

property() { # IMAGE KEY
	vhdtool info --json "$1" | jq -r ".\"$2\""
}

@test "an id can be set, in both formats" {
	local file id=01234567-89ab-cdef-8123-456789abcdef
	for file in a.vhdx a.vhd b.vhd; do
		vhdtool create "$file" --size 8M --type \
			"$([ $file = b.vhd ] && echo fixed || echo dynamic)"
		yes text | head -c 65536 | vhdtool write "$file" --offset 1M
		vhdtool read "$file" >before
		vhdtool set --id "$id" "$file"
		[ "$(property "$file" id)" = "$id" ]
		vhdtool read "$file" | cmp - before
		run -0 vhdtool check "$file"
	done
}

@test "a new id is another one each time" {
	vhdtool create a.vhdx --size 8M
	local first
	first=$(property a.vhdx id)
	vhdtool set --reset-id a.vhdx
	[ "$(property a.vhdx id)" != "$first" ]
	run -0 vhdtool check a.vhdx
	need qemu-img
	qemu-img check -q -f vhdx a.vhdx
}

@test "the creator of a VHD, the sector size of a VHDX, and not the other way" {
	vhdtool create a.vhd --size 8M
	vhdtool create a.vhdx --size 8M
	vhdtool set --creator 'win ' a.vhd
	[ "$(property a.vhd creator)" = win ]
	vhdtool set --physical-sector-size 512 a.vhdx
	[ "$(property a.vhdx physical-sector-size)" = 512 ]
	cp a.vhd original.vhd
	cp a.vhdx original.vhdx
	run -1 vhdtool set --creator abcd a.vhdx
	run -1 vhdtool set --physical-sector-size 512 a.vhd
	run -1 vhdtool set --physical-sector-size 1K a.vhdx
	cmp a.vhd original.vhd
}

@test "wrong usage" {
	vhdtool create a.vhd --size 8M
	run -2 vhdtool set a.vhd
	run -2 vhdtool set --id nonsense a.vhd
	run -2 vhdtool set --reset-id --id 01234567-89ab-cdef-8123-456789abcdef a.vhd
}
