#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# ext2, ext3, ext4: what is called unused may be overwritten without harm, and
# is as much as the file system itself calls free.

load helper

# prove RAW
prove() {
	list "$1"
	[ "$(state)" = clean ]
	[ "$(total)" = "$(ext_free "$1")" ]
	[ "$(total)" -gt 0 ]
	poison "$1"
	ext_is_whole "$1"
}

@test "ext2, blocks of 1K" {
	ext a.raw 48M -t ext2 -b 1024
	prove a.raw
}

@test "ext3, blocks of 2K" {
	ext a.raw 64M -t ext3 -b 2048
	prove a.raw
}

@test "ext4, blocks of 1K" {
	ext a.raw 48M -t ext4 -b 1024
	prove a.raw
}

@test "ext4, blocks of 4K" {
	ext a.raw 64M -t ext4 -b 4096
	prove a.raw
}

@test "ext4 with groups that were never written" {
	ext a.raw 160M -t ext4 -b 1024 -G 4
	dumpe2fs a.raw 2>/dev/null | grep -q BLOCK_UNINIT
	prove a.raw
}

@test "ext4, blocks of 64K" {
	ext a.raw 256M -t ext4 -b 65536 -N 64
	prove a.raw
}

@test "ext4 without 64bit, flex_bg and checksums" {
	ext a.raw 100M -t ext4 -O ^64bit,^metadata_csum,^flex_bg
	prove a.raw
}

@test "ext4 with meta_bg" {
	ext a.raw 100M -t ext4 -b 1024 -O meta_bg,^resize_inode
	prove a.raw
}

@test "ext4 with clusters (bigalloc)" {
	ext a.raw 100M -t ext4 -b 4096 -O bigalloc -C 65536
	prove a.raw
}

@test "ext4 with clusters over blocks of 1K, cut in the last cluster" {
	ext a.raw 64M -t ext4 -b 1024 -O bigalloc -C 16384
	truncate -s 65000K b.raw
	mke2fs -q -F -t ext4 -b 1024 -O bigalloc -C 16384 -d files b.raw
	prove b.raw
	prove a.raw
}

@test "what lies behind the file system counts as used" {
	ext a.raw 48M -t ext4 -b 4096
	truncate -s 64M a.raw
	list a.raw
	[ "$(total)" = "$(ext_free a.raw)" ]
	[ "$(awk '/^fs/ { print $4, $5 }' list)" = "67108864 50331648" ]
}

@test "used by Linux for a while: still proved" {
	[ "$(id -u)" = 0 ] || skip "mounting needs root"
	ext a.raw 300M -t ext4
	mkdir mnt
	mount -o loop a.raw mnt 2>/dev/null || skip "no loop mounts here"
	cp -r files mnt/again
	head -c 30000000 /dev/urandom >mnt/big
	cp -r files mnt/third
	rm -r mnt/again mnt/big mnt/copy
	sync -f mnt
	umount mnt
	list a.raw
	[ "$(total)" = "$(ext_free a.raw)" ]
	poison a.raw
	e2fsck -fn a.raw
	mount -o loop,ro a.raw mnt
	mkdir out
	cp -r mnt/third/. out
	umount mnt
	sums out | diff - files.sums
}
