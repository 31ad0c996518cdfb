#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# A parent whose children lie beside it is not changed by accident.
load helper

refused() { # COMMAND...
	cp p before
	status 1 "$@"
	[[ "$stderr" == *"is the parent of '"*"c."* ]]
	[[ "$stderr" == *hint:*--ignore-children* ]]
	cmp p before
}

@test "writing to a parent with a child beside it is refused" {
	local format
	for format in vhd vhdx; do
		vhdtool create --size 8M p.$format
		head -c 4096 /dev/urandom | vhdtool write p.$format
		vhdtool snapshot p.$format c.$format
		ln -f p.$format p
		head -c 512 /dev/zero >sector
		refused vhdtool write p.$format <sector
		refused vhdtool zero --offset 0 --length 4096 p.$format
		refused vhdtool discard --offset 0 --length 4096 p.$format
		refused vhdtool set --reset-id p.$format
		status 0 vhdtool write c.$format <sector
		status 0 vhdtool write --ignore-children p.$format <sector
		rm p
	done
}

@test "a child of a copy of the image does not count" {
	local format
	mkdir other
	for format in vhd vhdx; do
		vhdtool create --size 8M p.$format
		vhdtool snapshot p.$format c.$format
		# the child finds its parent beside it; the copy has its identity
		cp p.$format copy.$format
		head -c 512 /dev/urandom | status 0 vhdtool write copy.$format
	done
}

@test "a child elsewhere is not known" {
	mkdir other
	vhdtool create --size 8M p.vhdx
	vhdtool snapshot p.vhdx c.vhdx
	mv c.vhdx other
	head -c 512 /dev/urandom | status 0 vhdtool write p.vhdx
}

@test "a damaged neighbour and one that waits do not matter" {
	vhdtool create --size 8M p.vhdx
	head -c 1000 /dev/urandom >junk.vhdx
	mkfifo pipe.vhdx
	head -c 512 /dev/urandom | status 0 vhdtool write p.vhdx
}
