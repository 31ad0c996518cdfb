#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# rebase, and set --parent-path: another parent, the same content.
load helper

# three FORMAT: a.FORMAT, b.FORMAT of other content, c.FORMAT a child of a
three() {
	vhdtool create a.$1 --size 24M
	head -c 9M /dev/urandom | vhdtool write a.$1 --offset 1M
	cp a.$1 b.$1
	vhdtool set --reset-id b.$1
	head -c 3M /dev/urandom | vhdtool write b.$1 --offset 4M
	vhdtool zero b.$1 --offset 8M --length 1M
	head -c 1M /dev/urandom | vhdtool write b.$1 --offset 20M
	vhdtool snapshot a.$1 c.$1
	head -c 70144 /dev/urandom | vhdtool write c.$1 --offset 5000192
	vhdtool convert --force c.$1 want.raw
}

parent_of() {
	basename "$(vhdtool info --json "$1" | jq -r .parent.path)"
}

@test "onto a parent of other content: what differs is copied" {
	local format
	for format in vhd vhdx; do
		three $format
		id=$(vhdtool info --json c.$format | jq -c '[.id, ."link-id"]')
		vhdtool snapshot c.$format d.$format
		vhdtool rebase --quiet c.$format --parent b.$format
		[ "$(parent_of c.$format)" = b.$format ]
		[ "$(vhdtool info --json c.$format |
			jq -c '[.id, ."link-id"]')" = "$id" ]
		vhdtool compare c.$format want.raw
		# its child goes on with it
		vhdtool compare d.$format want.raw
		vhdtool check --chain d.$format
		# 3 + 1 + 1 MiB differ, not 24
		[ "$(vhdtool map --json c.$format |
			jq '[.[] | select(.data and .depth == 0) | .length] |
				add')" -lt $((6 << 20)) ]
	done
}

@test "past the parent onto its parent" {
	local format
	for format in vhd vhdx; do
		three $format
		vhdtool snapshot c.$format d.$format
		head -c 4096 /dev/urandom | vhdtool write d.$format
		vhdtool convert --force d.$format want.raw
		vhdtool rebase --quiet d.$format --parent a.$format
		rm c.$format
		vhdtool compare d.$format want.raw
		vhdtool check --chain d.$format
	done
}

@test "--unsafe only names the parent, and needs no old one" {
	local format
	for format in vhd vhdx; do
		three $format
		mkdir -p away
		mv a.$format away/new.$format
		cp c.$format before
		status 1 vhdtool rebase --quiet c.$format \
			--parent away/new.$format
		[[ "$stderr" == *hint:*--unsafe* ]]
		cmp c.$format before
		vhdtool rebase --quiet --unsafe c.$format \
			--parent away/new.$format
		vhdtool compare c.$format want.raw
		vhdtool check --chain c.$format
	done
}

@test "loops, foreign formats and parents without a child are refused" {
	local format
	for format in vhd vhdx; do
		three $format
		vhdtool snapshot c.$format d.$format
		sha256sum ./*.$format >before
		status 1 vhdtool rebase c.$format --parent d.$format
		[[ "$stderr" == *"is the new parent, or a parent of it"* ]]
		status 1 vhdtool rebase c.$format --parent c.$format
		status 1 vhdtool rebase a.$format --parent b.$format
		status 1 vhdtool rebase c.$format --parent missing.$format
		status 2 vhdtool rebase c.$format
		sha256sum --quiet -c before
	done
	status 1 vhdtool rebase c.vhd --parent a.vhdx
	vhdtool create k.vhdx --size 24M --logical-sector-size 4096
	status 1 vhdtool rebase c.vhdx --parent k.vhdx
	[[ "$stderr" == *"sectors of another size"* ]]
	sha256sum --quiet -c before
}

@test "set --parent-path follows a parent that moved" {
	local format
	for format in vhd vhdx; do
		three $format
		vhdtool snapshot c.$format d.$format
		mkdir -p moved
		mv a.$format moved/elsewhere.$format
		vhdtool set --parent-path moved/elsewhere.$format c.$format
		vhdtool compare d.$format want.raw
		vhdtool check --chain d.$format
		! vhdtool dump c.$format | grep -q "[^a-z]a\.$format"
		mv moved/elsewhere.$format a.$format
		for i in 1 2 3 4; do
			vhdtool set --parent-path a.$format c.$format
			size=$(stat -c %s c.$format)
			[ $i = 1 ] || [ "$size" = "$first" ]
			first=$size
		done
		vhdtool compare d.$format want.raw
	done
	status 1 vhdtool set --parent-path x.vhd a.vhd
}

@test "user metadata of a VHDX: set, list, replace, remove" {
	local id=01234567-89ab-cdef-8123-456789abcdef
	vhdtool create m.vhdx --size 8M
	head -c 100 /dev/urandom >item
	vhdtool set --metadata $id=item m.vhdx
	printf hello | vhdtool set m.vhdx \
		--metadata fedcba98-89ab-cdef-8123-456789abcdef=-
	[ "$(vhdtool info --json m.vhdx | jq -c \
		'[."user-metadata"[] | .length]')" = "[100,5]" ]
	vhdtool dump m.vhdx | grep -q "68 65 6c 6c 6f"
	vhdtool dump m.vhdx |
		grep -q "$(head -c 8 item | od -An -tx1 | cut -c2-)"
	head -c 70000 /dev/urandom >item
	vhdtool set --metadata $id=item m.vhdx
	vhdtool set --remove-metadata \
		fedcba98-89ab-cdef-8123-456789abcdef m.vhdx
	[ "$(vhdtool info --json m.vhdx | jq -c \
		'[."user-metadata"[] | .length]')" = "[70000]" ]
	vhdtool check m.vhdx
	status 1 vhdtool set m.vhdx \
		--remove-metadata fedcba98-89ab-cdef-8123-456789abcdef
	truncate -s 2M item
	status 1 vhdtool set --metadata $id=item m.vhdx
	status 2 vhdtool set --metadata $id m.vhdx
	vhdtool create m.vhd --size 8M
	status 1 vhdtool set --remove-metadata $id m.vhd
}
