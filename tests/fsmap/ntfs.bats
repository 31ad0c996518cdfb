#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# NTFS: what is called unused may be overwritten without harm.

load helper

# prove RAW
prove() {
	list "$1"
	[ "$(state)" = clean ]
	[ "$(total)" = "$(ntfs_free "$1")" ]
	[ "$(total)" -gt 0 ]
	poison "$1"
	ntfs_is_whole "$1"
	[ "$(total)" = "$(ntfs_free "$1")" ]
}

@test "clusters of 512 bytes" {
	ntfs a.raw 20M -c 512
	prove a.raw
}

@test "clusters of 4K" {
	ntfs a.raw 64M
	prove a.raw
}

@test "clusters of 64K" {
	ntfs a.raw 200M -c 65536
	prove a.raw
}

@test "clusters of 256K, which the boot sector writes another way" {
	ntfs a.raw 300M -c 262144
	prove a.raw
}

@test "used through its driver for a while: still proved" {
	[ "$(id -u)" = 0 ] || skip "mounting needs root"
	[ -e /dev/fuse ] || skip "no FUSE here"
	need ntfs-3g
	ntfs a.raw 200M
	mkdir mnt
	ntfs-3g a.raw mnt 2>/dev/null || skip "no FUSE here"
	cp -r files mnt/again
	head -c 30000000 /dev/urandom >mnt/big
	cp -r files mnt/third
	rm -r mnt/again mnt/big
	umount mnt
	prove a.raw
	ntfs-3g -o ro a.raw mnt
	mkdir out
	cp -r mnt/third/. out
	umount mnt
	sums out | diff - files.sums
}

@test "the dirty flag: left alone" {
	ntfs a.raw 64M
	# what ntfsfix leaves for Windows to look at
	ntfsfix a.raw >/dev/null
	list a.raw
	[ "$(state)" = dirty ]
	[ "$(total)" = 0 ]
	ntfsfix -d a.raw >/dev/null
	list a.raw
	[ "$(state)" = clean ]
}

@test "a log that is neither empty nor closed: left alone" {
	local log
	ntfs a.raw 64M
	log=$(log_offset a.raw)
	yes unclean | head -c 8192 |
		dd of=a.raw bs=512 seek=$((log / 512)) conv=notrunc status=none
	list a.raw
	[ "$(state)" = dirty ]
	[ "$(total)" = 0 ]
}

# log_offset RAW: where $LogFile begins: mkntfs fills it with 0xff
log_offset() {
	LC_ALL=C grep -obUaP -m1 '\xff{4096}' "$1" | head -n 1 | cut -d: -f1
}

@test "a hibernated Windows: left alone" {
	ntfs a.raw 64M
	{
		printf hibr
		head -c 100000 /dev/zero
	} >hiberfil.sys
	ntfscp a.raw hiberfil.sys hiberfil.sys >/dev/null 2>&1
	list a.raw
	[ "$(state)" = suspended ]
	[ "$(total)" = 0 ]
}

@test "a bitmap that calls the boot sector free: left alone" {
	ntfs a.raw 64M
	list a.raw
	[ "$(state)" = clean ]
	clear_bitmap a.raw
	list a.raw
	[ "$(state)" = damaged ]
	[ "$(total)" = 0 ]
}

# clear_bitmap RAW: $Bitmap says that everything is free
clear_bitmap() {
	ntfscat -i 6 "$1" | wc -c | xargs truncate zeros -s
	ntfscp -i -f "$1" zeros 6 >/dev/null 2>&1 ||
		ntfscp -f "$1" zeros "\$Bitmap" >/dev/null 2>&1
}

@test "cut off: left alone" {
	ntfs a.raw 64M
	truncate -s 60M a.raw
	list a.raw
	[ "$(state)" = damaged ]
	[ "$(total)" = 0 ]
}
