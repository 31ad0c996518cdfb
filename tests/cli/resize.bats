#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# resize: the size changes, what is inside stays, new space is zeros.
load helper

KINDS="a.vhd b.vhd c.vhdx d.vhdx"

make() { # FILE SIZE [OPTION...]
	local file=$1 size=$2 type=dynamic
	shift 2
	case $file in b.vhd | d.vhdx) type=fixed ;; esac
	vhdtool create "$file" --size "$size" --type $type "$@"
	yes "data of a guest" | head -c 307200 | vhdtool write "$file" --offset 1M
	yes tail | head -c 512 | vhdtool write "$file" --offset $((5 << 20))
}

size_of() {
	vhdtool info --json "$1" | jq '."virtual-size"'
}

# grown FILE SIZE: the content of FILE as a raw disk of SIZE bytes
grown() {
	vhdtool read "$1" >want.raw
	truncate -s "$2" want.raw
}

same() { # FILE: it shows want.raw, here and in QEMU, and is sound
	vhdtool read "$1" | cmp - want.raw
	vhdtool check "$1" || [ $? = 4 ]
	same_in_qemu "$1" want.raw
}

@test "growing, shrinking, growing again" {
	local file id
	for file in $KINDS; do
		make $file 8M
		id=$(vhdtool info --json $file | jq .id)
		for size in $((8388608 + 512)) $((20 << 20)) $((6 << 20)) \
			$((6291456 + 4096)) $((33 << 20)); do
			grown $file $size
			status 0 vhdtool resize $file $size
			[[ "$output" == "$file: "*" -> "* ]]
			same $file
		done
		[ "$(vhdtool info --json $file | jq .id)" = "$id" ]
	done
}

@test "relative sizes" {
	make c.vhdx 8M
	vhdtool resize c.vhdx +8M
	[ "$(size_of c.vhdx)" = $((16 << 20)) ]
	vhdtool resize c.vhdx -4M
	[ "$(size_of c.vhdx)" = $((12 << 20)) ]
	status 1 vhdtool resize c.vhdx -1T
	[[ "$stderr" == *"has only 12582912 bytes"* ]]
}

@test "what would be lost is named, and nothing changes" {
	local file
	for file in $KINDS; do
		make $file 8M
		cp $file before
		status 1 vhdtool resize $file 5M
		[[ "$stderr" == *"data up to byte 5243392"*"hint: "* ]]
		cmp $file before
		vhdtool resize --force $file 2M
		[ "$(size_of $file)" = 2097152 ]
		vhdtool check $file || [ $? = 4 ]
	done
}

@test "limits of the formats and odd sizes" {
	local file
	for file in $KINDS; do
		make $file 8M
		cp $file before
		status 1 vhdtool resize $file 8388609
		[[ "$stderr" == *"whole number of sectors"* ]]
		status 1 vhdtool resize $file 0
		cmp $file before
	done
	status 1 vhdtool resize a.vhd 2041G
	[[ "$stderr" == *"2040 GiB"* ]]
	status 1 vhdtool resize c.vhdx 65T
	[[ "$stderr" == *"64 TiB"* ]]
	status 2 vhdtool resize c.vhdx much
	status 2 vhdtool resize c.vhdx
}

@test "as large as it can be, with blocks where the table has to grow" {
	make a.vhd 8M
	grown a.vhd 8M
	vhdtool resize a.vhd 2040G
	[ "$(size_of a.vhd)" = $((2040 << 30)) ]
	vhdtool read a.vhd --length 8M | cmp - want.raw
	status 0 vhdtool check a.vhd
	vhdtool create c.vhdx --size 8M --block-size 1M
	vhdtool write c.vhdx --offset 0 <want.raw
	vhdtool resize c.vhdx 64T
	[ "$(size_of c.vhdx)" = $((64 << 40)) ]
	vhdtool read c.vhdx --length 8M | cmp - want.raw
	vhdtool read c.vhdx --offset $(((64 << 40) - 4096)) --length 4096 |
		cmp - <(head -c 4096 /dev/zero)
	printf %4096s x | vhdtool write c.vhdx --offset $(((64 << 40) - 4096))
	vhdtool read c.vhdx --length 8M | cmp - want.raw
	vhdtool check c.vhdx || [ $? = 4 ]
}

@test "room that was reserved is used, garbage in it is not" {
	vhdtool create a.vhd --size 4M --reserve 64M
	head -c 4194304 /dev/urandom | vhdtool write a.vhd --offset 0
	# entry 2 of the table, behind the disk's end: block 0 once more
	dd if=a.vhd of=a.vhd bs=1 skip=1536 seek=1544 count=4 conv=notrunc \
		status=none
	grown a.vhd 64M
	vhdtool resize a.vhd 64M
	same a.vhd
}

@test "a child grows over its parent with zeros, in both formats" {
	local ext
	for ext in vhd vhdx; do
		vhdtool create base.$ext --size 12M
		yes parent | head -c 12582912 | vhdtool write base.$ext --offset 0
		vhdtool snapshot base.$ext child.$ext
		yes child | head -c 65536 | vhdtool write child.$ext --offset 1M
		vhdtool resize --force child.$ext $(((5 << 20) + 512))
		grown child.$ext 20M
		vhdtool resize child.$ext 20M
		vhdtool read child.$ext | cmp - want.raw
		status 0 vhdtool check child.$ext --chain
		vhdtool chain child.$ext
	done
}

@test "a child whose locators lie where its table has to grow" {
	vhdtool create base.vhd --size 8M
	vhdtool snapshot base.vhd child.vhd
	yes child | head -c 8388608 | vhdtool write child.vhd --offset 0
	vhdtool info child.vhd >before
	vhdtool resize child.vhd 2000G
	vhdtool read child.vhd --length 8M | cmp - <(yes child | head -c 8388608)
	status 0 vhdtool check --chain child.vhd
	[ "$(vhdtool info --json child.vhd | jq -r .parent.path)" = base.vhd ] ||
		vhdtool info --json child.vhd | jq -e '.parent.resolved'
}

@test "a parent is not resized under its children" {
	local ext
	for ext in vhd vhdx; do
		vhdtool create base.$ext --size 8M
		vhdtool snapshot base.$ext child.$ext
		status 1 vhdtool resize base.$ext 16M
		[[ "$stderr" == *"child.$ext"* ]]
		vhdtool resize --ignore-children base.$ext 16M
	done
}

@test "raw disks" {
	sparse_raw a.raw
	cp a.raw want.raw
	truncate -s 20M want.raw
	vhdtool resize a.raw 20M
	cmp a.raw want.raw
	status 1 vhdtool resize a.raw 4M
	vhdtool resize --force a.raw 4M
	cmp a.raw <(head -c 4194304 want.raw)
}

@test "4096-byte sectors" {
	vhdtool create c.vhdx --size 8M --logical-sector-size 4096
	yes data | head -c 8388608 | vhdtool write c.vhdx --offset 0
	status 1 vhdtool resize c.vhdx $((8388608 + 512))
	grown c.vhdx $((9 << 20))
	vhdtool resize c.vhdx 9M
	vhdtool read c.vhdx | cmp - want.raw
	status 0 vhdtool check c.vhdx
}

# partitioned RAW SIZE [SECTOR]: a GPT with one partition up to the middle
partitioned() {
	need sfdisk
	truncate -s "$2" "$1"
	printf 'label: gpt\nstart=2048, size=8192, name="root"\n' |
		sfdisk -q "$1"
	yes "in the partition" | head -c 4096 |
		dd of="$1" bs=512 seek=2048 conv=notrunc status=none
}

gpt_is_good() { # IMAGE
	need sgdisk
	vhdtool read "$1" >disk.raw
	run -0 sgdisk --verify disk.raw
	[[ "$output" == *"No problems found"* ]]
}

@test "the backup GPT is moved on request, both ways" {
	local file
	partitioned disk.in 16M
	for file in a.vhd b.vhd c.vhdx; do
		vhdtool convert -f raw disk.in $file
		status 0 vhdtool resize $file 32M
		[[ "$stderr" == *"backup partition table"*"--fix-gpt"* ]]
		vhdtool resize --fix-gpt $file 32M
		gpt_is_good $file
		status 1 vhdtool resize $file 24M
		[[ "$stderr" == *"would be cut off"*"--fix-gpt"* ]]
		vhdtool resize --fix-gpt $file 24M
		gpt_is_good $file
		vhdtool resize --fix-gpt $file +8M
		gpt_is_good $file
		status 1 vhdtool resize --fix-gpt $file 4M
		[[ "$stderr" == *'partition 1 ("root")'* ]]
		gpt_is_good $file
	done
}

@test "no space on the host: all is as it was" {
	[ "$(id -u)" = 0 ] || skip "mounting needs root"
	mkdir small
	mount -t tmpfs -o size=12M none small || skip "no tmpfs to be had"
	vhdtool create small/a.vhd --size 8M
	head -c 8388608 /dev/urandom >content
	vhdtool write small/a.vhd --offset 0 <content
	head -c 4000000 /dev/urandom >small/filler || true
	# the longer table pushes blocks away, for which there is no space
	status 1 vhdtool resize small/a.vhd 2000G
	[[ "$stderr" == *"no space"* ]]
	vhdtool read small/a.vhd | cmp - content
	[ "$(size_of small/a.vhd)" = 8388608 ]
	vhdtool check small/a.vhd || [ $? = 4 ]
	rm small/filler
	umount small
}

teardown() {
	umount "$BATS_TEST_TMPDIR/small" 2>/dev/null || true
}

@test "a file system or an MBR partition in the way is named" {
	[ -x "$(dirname "$VHDTOOL")/vhd-fsmap" ] || skip "vhd-fsmap is not built"
	need mke2fs sfdisk
	truncate -s 64M fs.raw
	mke2fs -q -t ext4 -L root -F fs.raw
	vhdtool convert -q fs.raw fs.vhdx
	cp fs.vhdx before
	status 1 vhdtool resize fs.vhdx 60M
	[[ "$stderr" == *'the file system of the disk (ext4 "root") ends at byte 67108864'* ]]
	[[ "$stderr" == *hint:*--force* ]]
	cmp fs.vhdx before
	truncate -s 64M mbr.raw
	printf '%s\n' 'label: dos' 'start=2048, size=20480, type=83' \
		'start=22528, size=102400, type=83' | sfdisk -q mbr.raw
	vhdtool convert -q mbr.raw mbr.vhd
	status 1 vhdtool resize mbr.vhd 60M
	[[ "$stderr" == *"partition 2 ends at byte 63963136"* ]]
	status 0 vhdtool resize mbr.vhd 61M
	status 0 vhdtool resize --force mbr.vhd 32M
	VHD_FSMAP=/nowhere/vhd-fsmap status 1 vhdtool resize fs.vhdx 60M
}
