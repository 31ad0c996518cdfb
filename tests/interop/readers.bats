#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# 7-Zip and libvhdi read what we write. Left out, because the reader is wrong:
#
#   7-Zip    VHDX of a size that is no whole number of MiB; refused
#   libvhdi  children: it refuses those of VHDX, and shows something else for
#            those of VHD whose blocks are written in part
load ../cli/helper

teardown() {
	if mountpoint -q "$BATS_TEST_TMPDIR/mount"; then
		unmount
	fi
}

unmount() {
	fusermount -u mount 2>/dev/null || umount mount
}

# seven_zip ARGUMENT...: 7-Zip by the name it has here
seven_zip() {
	if command -v 7zz >/dev/null; then
		7zz "$@"
	else
		7z "$@"
	fi
}

need_seven_zip() {
	command -v 7zz >/dev/null || command -v 7z >/dev/null ||
		skip "no 7zz or 7z here"
}

need_vhdimount() {
	need vhdimount mountpoint
	[ -r /dev/fuse ] && [ -w /dev/fuse ] || skip "no FUSE here"
}

same_in_seven_zip() { # IMAGE RAW
	seven_zip x -so "$1" 2>said >from-7zip.raw || {
		cat said
		return 1
	}
	cmp from-7zip.raw "$2"
}

# it becomes a daemon that keeps what it inherits: bats' own pipe, 3, too
same_in_vhdimount() { # IMAGE RAW
	mkdir -p mount
	vhdimount "$1" mount >said 2>&1 </dev/null 3>&- || {
		cat said
		return 1
	}
	cmp mount/vhdi1 "$2"
	unmount
}

# images NAME...: an image for each, with the content of disk.raw; pieces
# were written, zeroed and given back after it was made
images() {
	local image
	random_raw disk.raw
	yes "a piece" | head -c 70144 >piece
	dd if=piece of=disk.raw bs=512 seek=6001 conv=notrunc status=none
	dd if=/dev/zero of=disk.raw bs=512 seek=21000 count=3000 conv=notrunc \
		status=none
	for image in "$@"; do
		vhdtool convert --type "${image%.*}" disk.raw "$image"
		vhdtool zero --offset $((6001 * 512)) --length 70144 "$image"
		vhdtool write --offset $((6001 * 512)) "$image" <piece
		vhdtool discard --offset 2M --length 2M "$image"
		dd if=disk.raw bs=64k skip=32 count=32 status=none |
			vhdtool write --offset 2M "$image"
	done
}

# child FORMAT: child.FORMAT over parent.FORMAT; its content as disk.raw
child() {
	images dynamic."$1"
	mv dynamic."$1" parent."$1"
	vhdtool snapshot parent."$1" child."$1"
	yes "of the child" | head -c 131072 >piece
	for at in 0 1 48 191; do
		vhdtool write --offset $((at * 131072)) child."$1" <piece
		dd if=piece of=disk.raw bs=128k seek="$at" conv=notrunc status=none
	done
	vhdtool write --offset 3M --length 4096 child."$1" <piece
	dd if=piece of=disk.raw bs=4k seek=768 count=1 conv=notrunc status=none
}

each_is_same() { # READER NAME...
	local reader=$1 image
	shift
	images "$@"
	for image in "$@"; do
		echo "$image"
		"$reader" "$image" disk.raw
	done
}

@test "7-Zip reads our VHD, fixed and dynamic" {
	need_seven_zip
	each_is_same same_in_seven_zip fixed.vhd dynamic.vhd
}

@test "7-Zip reads our VHDX, fixed and dynamic" {
	need_seven_zip
	each_is_same same_in_seven_zip fixed.vhdx dynamic.vhdx
}

@test "7-Zip reads a VHD child of ours, with single sectors written" {
	need_seven_zip
	child vhd
	head -c 1536 piece | vhdtool write --offset 9000448 child.vhd
	dd if=piece of=disk.raw bs=512 seek=17579 count=3 conv=notrunc status=none
	same_in_seven_zip child.vhd disk.raw
}

@test "7-Zip reads a VHDX child of ours" {
	need_seven_zip
	child vhdx
	same_in_seven_zip child.vhdx disk.raw
}

@test "vhdimount shows our VHD, fixed and dynamic" {
	need_vhdimount
	each_is_same same_in_vhdimount fixed.vhd dynamic.vhd
}

@test "vhdimount shows our VHDX, fixed and dynamic" {
	need_vhdimount
	each_is_same same_in_vhdimount fixed.vhdx dynamic.vhdx
}
