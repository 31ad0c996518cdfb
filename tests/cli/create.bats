#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

ID=12345678-9abc-4def-8123-456789abcdef

# info FILE KEY
info() {
	vhdtool info --json "$1" | jq -r ".\"$2\""
}

nothing_created() {
	[ -z "$(find . -name '*.vhd*' -o -name '*.disk')" ]
}

@test "each format and type reads as zeros, at the size asked for" {
	truncate -s 20M zeros.raw
	for format in vhd vhdx; do
		for type in fixed dynamic; do
			file=$type.$format
			status 0 vhdtool create --size 20M --type $type $file
			[ -z "$output$stderr" ]
			[ "$(info $file type)" = $type ]
			[ "$(info $file "virtual-size")" = 20971520 ]
			vhdtool compare $file zeros.raw
			vhdtool check $file
		done
	done
}

@test "QEMU sees the same size and content" {
	truncate -s 20M zeros.raw
	for format in vhd vhdx; do
		for type in fixed dynamic; do
			vhdtool create --size 20M --type $type $type.$format
			same_in_qemu $type.$format zeros.raw
		done
	done
}

@test "sizes that are no geometry are kept, in QEMU too" {
	need qemu-img
	for size in 512 1536 20972032 209723904 137438953984; do
		for format in vhd vhdx; do
			rm -f a.$format
			vhdtool create --size $size a.$format
			[ "$(info a.$format "virtual-size")" = $size ]
			[ "$(qemu-img info --output=json \
				-f "$(qemu_name a.$format)" a.$format |
				jq '."virtual-size"')" = $size ]
		done
	done
}

@test "every block size" {
	for size in 512K 2M; do
		vhdtool create --size 1G --block-size $size vhd-$size.vhd
		vhdtool check vhd-$size.vhd
	done
	for size in 1M 2M 4M 8M 16M 32M 64M 128M 256M; do
		vhdtool create --size 1G --block-size $size x-$size.vhdx
		vhdtool check x-$size.vhdx
	done
	[ "$(info vhd-512K.vhd block-size)" = 524288 ]
	[ "$(info x-256M.vhdx block-size)" = 268435456 ]
}

@test "sector sizes of a VHDX" {
	for logical in 512 4096; do
		for physical in 512 4096; do
			file=$logical-$physical.vhdx
			vhdtool create --size 8M \
				--logical-sector-size $logical \
				--physical-sector-size $physical $file
			[ "$(info $file logical-sector-size)" = $logical ]
			[ "$(info $file physical-sector-size)" = $physical ]
			vhdtool check $file
		done
	done
}

@test "the largest disks are small files" {
	vhdtool create --size 2040G a.vhd
	vhdtool create --size 64T a.vhdx
	[ "$(du -k a.vhd | cut -f1)" -lt 8192 ]
	[ "$(du -k a.vhdx | cut -f1)" -lt 8192 ]
	[ "$(info a.vhdx "virtual-size")" = 70368744177664 ]
}

@test "a size that is no whole number of sectors is refused, not rounded" {
	status 2 vhdtool create --size 1000 a.vhd
	[[ "$stderr" == *"--size 1000"*hint:*512*1024* ]]
	status 2 vhdtool create --size 512 --logical-sector-size 4096 a.vhdx
	status 2 vhdtool create --size 0 a.vhd
	status 2 vhdtool create a.vhd
	nothing_created
}

@test "what a format does not allow: exit 2, said in words, nothing created" {
	status 2 vhdtool create --size 2041G a.vhd
	[[ "$stderr" == *"2040 GiB"* ]]
	status 2 vhdtool create --size 65T a.vhdx
	status 2 vhdtool create --size 1G --block-size 3M a.vhdx
	status 2 vhdtool create --size 1G --block-size 512K a.vhdx
	status 2 vhdtool create --size 1G --block-size 1M a.vhd
	status 2 vhdtool create --size 1G --block-size 8G a.vhdx
	status 2 vhdtool create --size 1G --logical-sector-size 4096 a.vhd
	status 2 vhdtool create --size 1G --logical-sector-size 1024 a.vhdx
	status 2 vhdtool create --size 1G --azure a.vhdx
	status 2 vhdtool create --size 1G --type differencing a.vhdx
	nothing_created
}

@test "raw is not an image; an unknown extension needs -f" {
	status 2 vhdtool create --size 1M a.raw
	[[ "$stderr" == *hint:* ]]
	status 2 vhdtool create --size 1M a.disk
	status 0 vhdtool create --size 1M -f vhdx a.disk
	[ "$(vhdtool info --json -f vhdx a.disk | jq -r .format)" = vhdx ]
}

@test "an existing file is refused, and replaced with --force" {
	printf precious >a.vhd
	status 1 vhdtool create --size 1M a.vhd
	[[ "$stderr" == "vhdtool: a.vhd: "*hint:*--force* ]]
	[ "$(cat a.vhd)" = precious ]
	status 0 vhdtool create --size 1M --force a.vhd
	vhdtool check a.vhd
}

@test "a folder that does not exist: exit 1, named" {
	status 1 vhdtool create --size 1M nowhere/a.vhd
	[[ "$stderr" == *nowhere/a.vhd* ]]
}

@test "no space: exit 1, no debris" {
	mkdir out
	run -1 bash -c 'trap "" XFSZ; ulimit -f 1024
		"$VHDTOOL" create --size 8M --type fixed out/a.vhd'
	[ -n "$output" ]
	[ -z "$(ls -A out)" ]
}

@test "--id and --timestamp give the same bytes each time" {
	for format in vhd vhdx; do
		for type in fixed dynamic; do
			for n in 1 2; do
				vhdtool create --size 8M --type $type \
					--id $ID --timestamp 1700000000 \
					$n-$type.$format
			done
			cmp 1-$type.$format 2-$type.$format
			[ "$(info 1-$type.$format id)" = $ID ]
		done
	done
}

@test "without them two images differ in their ids" {
	vhdtool create --size 8M a.vhdx
	vhdtool create --size 8M b.vhdx
	[ "$(info a.vhdx id)" != "$(info b.vhdx id)" ]
}

@test "forms of --id and --timestamp" {
	vhdtool create --size 1M --id $ID --timestamp 1700000000 a.vhd
	vhdtool create --size 1M --id "{${ID^^}}" \
		--timestamp 2023-11-14T22:13:20Z b.vhd
	vhdtool create --size 1M --id $ID \
		--timestamp "2023-11-15 00:13:20+02:00" c.vhd
	cmp a.vhd b.vhd
	cmp a.vhd c.vhd
	for id in "" x 12345678 ${ID}0 ${ID/-/_} \
		00000000-0000-0000-0000-000000000000; do
		status 2 vhdtool create --size 1M --id "$id" d.vhd
	done
	for time in "" yesterday 2023-02-29 2023-13-01 2023-11-14T25:00Z \
		1999-12-31 99999999999 20231114x; do
		status 2 vhdtool create --size 1M --timestamp "$time" d.vhd
	done
	[ ! -e d.vhd ]
}

@test "--azure: fixed, whole MiB" {
	vhdtool create --azure --size 10M a.vhd
	[ "$(info a.vhd type)" = fixed ]
	[ "$(stat -c %s a.vhd)" = $((10485760 + 512)) ]
	status 2 vhdtool create --azure --size 1000K b.vhd
	status 2 vhdtool create --azure --type dynamic --size 10M b.vhd
}

@test "--preallocate takes the space" {
	vhdtool create --size 16M --preallocate a.vhdx
	[ "$(du -k a.vhdx | cut -f1)" -ge 16384 ]
	[ "$(info a.vhdx allocated-blocks)" = "$(info a.vhdx total-blocks)" ]
	vhdtool check a.vhdx
}

@test "--reserve leaves room in the block table" {
	vhdtool create --size 1M a.vhd
	vhdtool create --size 1M --reserve 64G b.vhd
	[ "$(stat -c %s b.vhd)" -gt "$(stat -c %s a.vhd)" ]
	vhdtool check b.vhd
}

@test "--parent makes a child that reads as its parent" {
	random_raw a.raw
	for format in vhd vhdx; do
		vhdtool convert a.raw p.$format
		status 0 vhdtool create --parent p.$format c.$format
		[ -z "$output$stderr" ]
		[ "$(info c.$format type)" = differencing ]
		vhdtool compare c.$format a.raw
		vhdtool check --chain c.$format
	done
}

@test "the parent is named relative to the folder of the child" {
	mkdir -p golden/x guests
	vhdtool create --size 8M golden/p.vhdx
	vhdtool create --size 8M golden/x/q.vhdx
	# where the command runs does not matter
	(cd golden/x && vhdtool create --parent q.vhdx ../c.vhdx)
	[ "$(info golden/c.vhdx chain-length)" = 2 ]
	status 0 vhdtool create --parent golden/p.vhdx guests/c.vhdx
	[[ "$stderr" == *warning:*outside*hint:*--parent-root* ]]
	[[ "$(vhdtool dump guests/c.vhdx)" == *'..\golden\p.vhdx'* ]]
	status 1 vhdtool read guests/c.vhdx
	status 0 vhdtool hash --parent-root golden guests/c.vhdx
	# both folders may move together
	mkdir elsewhere
	mv golden guests elsewhere
	status 0 vhdtool hash --parent-root elsewhere/golden \
		elsewhere/guests/c.vhdx
}

@test "a child may be larger than its parent" {
	random_raw a.raw
	vhdtool convert a.raw p.vhdx
	vhdtool create --parent p.vhdx --size 64M c.vhdx
	truncate -s 64M a.raw
	vhdtool compare c.vhdx a.raw
	status 2 vhdtool create --parent p.vhdx --size 8M d.vhdx
	[ ! -e d.vhdx ]
}

@test "parents that cannot be: said, nothing created" {
	vhdtool create --size 8M p.vhdx
	status 1 vhdtool create --parent absent.vhdx c.vhdx
	[[ "$stderr" == *absent.vhdx* ]]
	status 2 vhdtool create --parent p.vhdx c.vhd
	status 2 vhdtool create --parent p.vhdx --type dynamic c.vhdx
	cp p.vhdx before
	status 1 vhdtool create --parent p.vhdx --force p.vhdx
	cmp p.vhdx before
	[ ! -e c.vhd ] && [ ! -e c.vhdx ]
}
