#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

@test "a chain of three with mixed block sizes reads as a model does" {
	random_raw model.raw
	for set in "vhd 512K 2M 512K" "vhdx 8M 1M 32M"; do
		set -- $set
		cp model.raw $1.raw
		vhdtool convert --block-size $2 $1.raw base.$1
		vhdtool snapshot --block-size $3 base.$1 middle.$1
		for at in 0 3145728 12582400; do
			head -c 70144 /dev/urandom >piece
			vhdtool write --offset $at middle.$1 <piece
			dd if=piece of=$1.raw bs=512 seek=$((at / 512)) \
				conv=notrunc status=none
		done
		vhdtool snapshot --block-size $4 middle.$1 leaf.$1
		for at in 512 4194304 12600320; do
			head -c 35328 /dev/urandom >piece
			vhdtool write --offset $at leaf.$1 <piece
			dd if=piece of=$1.raw bs=512 seek=$((at / 512)) \
				conv=notrunc status=none
		done
		vhdtool zero --offset 1M --length 2M leaf.$1
		dd if=/dev/zero of=$1.raw bs=1M seek=1 count=2 conv=notrunc \
			status=none
		vhdtool compare leaf.$1 $1.raw
		vhdtool check --chain leaf.$1
		[ "$(vhdtool info --json leaf.$1 | jq '."chain-length"')" = 3 ]
	done
}

@test "writing a child leaves its parent as it is, to the byte" {
	random_raw a.raw
	for format in vhd vhdx; do
		vhdtool convert a.raw p.$format
		vhdtool snapshot p.$format c.$format
		cp p.$format before
		head -c 1M /dev/urandom | vhdtool write --offset 1M c.$format
		vhdtool zero --offset 8M --length 4M c.$format
		cmp p.$format before
		vhdtool compare p.$format a.raw
	done
}

@test "sizes and sectors are those of the parent" {
	vhdtool create --size 8M --logical-sector-size 4096 p.vhdx
	vhdtool snapshot p.vhdx c.avhdx
	vhdtool info --json c.avhdx | jq -e '."logical-sector-size" == 4096 and
		."virtual-size" == 8388608 and .type == "differencing"'
}

@test "an existing child is refused, and replaced with --force" {
	vhdtool create --size 8M p.vhd
	printf precious >c.vhd
	status 1 vhdtool snapshot p.vhd c.vhd
	[ "$(cat c.vhd)" = precious ]
	status 0 vhdtool snapshot --force p.vhd c.vhd
	vhdtool check --chain c.vhd
}

@test "the child cannot be the parent, nor another format, nor of raw" {
	vhdtool create --size 8M p.vhd
	cp p.vhd before
	status 1 vhdtool snapshot --force p.vhd p.vhd
	cmp p.vhd before
	status 2 vhdtool snapshot p.vhd c.vhdx
	truncate -s 8M p.raw
	status 2 vhdtool snapshot p.raw c.vhd
}

@test "a parent written afterwards is noticed by a VHDX child" {
	vhdtool create --size 8M p.vhdx
	vhdtool snapshot p.vhdx c.vhdx
	head -c 512 /dev/urandom | vhdtool write --ignore-children p.vhdx
	status 1 vhdtool read c.vhdx
	status 0 vhdtool hash --ignore-id-mismatch c.vhdx
}
