#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# ext2, ext3, ext4 that may not be trusted: no range of them is called unused.

load helper

@test "a journal to be replayed: left alone" {
	ext a.raw 48M -t ext4
	debugfs -w -R "feature needs_recovery" a.raw 2>/dev/null
	list a.raw
	[ "$(state)" = dirty ]
	[ "$(total)" = 0 ]
}

@test "not unmounted, or with errors: left alone" {
	local value
	for value in 0 2 3; do
		ext a.raw 48M -t ext2
		debugfs -w -R "ssv state $value" a.raw 2>/dev/null
		list a.raw
		[ "$(state)" = dirty ]
		[ "$(total)" = 0 ]
		rm a.raw
	done
}

@test "a copy made while it was mounted: left alone" {
	[ "$(id -u)" = 0 ] || skip "mounting needs root"
	ext a.raw 48M -t ext4
	mkdir mnt
	mount -o loop a.raw mnt 2>/dev/null || skip "no loop mounts here"
	cp files/file-70000 mnt/new
	sync -f mnt
	cp a.raw copy.raw
	umount mnt
	list copy.raw
	[ "$(state)" = dirty ]
	[ "$(total)" = 0 ]
	list a.raw
	[ "$(state)" = clean ]
}

@test "multiple mount protection held by another host: left alone" {
	local block
	ext a.raw 48M -t ext4 -b 1024 -O mmp
	list a.raw
	[ "$(state)" = clean ]
	block=$(dumpe2fs -h a.raw 2>/dev/null |
		awk '/^MMP block number:/ { print $4 }')
	# its sequence number, which a host that has it mounted counts up
	printf '\x01\0\0\0' | dd of=a.raw bs=1 seek=$((block * 1024 + 4)) \
		conv=notrunc status=none
	list a.raw
	[ "$(state)" = dirty ]
	[ "$(total)" = 0 ]
}

@test "a feature nobody knows: left alone" {
	ext a.raw 48M -t ext4 -O ^metadata_csum
	debugfs -w -R "feature FEATURE_R30" a.raw 2>/dev/null
	list a.raw
	[ "$(state)" = unknown ]
	[ "$(total)" = 0 ]
}

@test "a bitmap that calls a used block free: left alone" {
	ext a.raw 48M -t ext2 -b 1024
	flip_first_used_bit a.raw
	list a.raw
	[ "$(state)" = damaged ]
	[ "$(total)" = 0 ]
}

# flip_first_used_bit RAW: in the block bitmap of group 0
flip_first_used_bit() {
	local bitmap
	bitmap=$(dumpe2fs "$1" 2>/dev/null |
		awk '/Block bitmap at/ { print $4; exit }' | tr -d ',')
	printf '\xfe' | dd of="$1" bs=1 seek=$((bitmap * 1024)) conv=notrunc \
		status=none
}

@test "cut off: left alone" {
	ext a.raw 48M -t ext4
	truncate -s 40M a.raw
	list a.raw
	[ "$(state)" = truncated ]
	[ "$(total)" = 0 ]
}
