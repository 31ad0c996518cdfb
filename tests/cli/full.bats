#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# A host file system without space: what fails says so, loses nothing, and
# works once there is space again.
load helper

teardown() {
	if mountpoint -q "$BATS_TEST_TMPDIR/host"; then
		umount "$BATS_TEST_TMPDIR/host"
	fi
}

# small_host KIND: an empty file system of 8 MiB in the folder host
small_host() {
	[ "$(id -u)" -eq 0 ] || skip "mounting takes root"
	mkdir host
	case $1 in
	tmpfs)
		mount -t tmpfs -o size=8M tmpfs host ||
			skip "tmpfs cannot be mounted here"
		;;
	ext4)
		need mke2fs
		truncate -s 8M host.img
		mke2fs -q -t ext4 -m 0 -O ^has_journal host.img
		mount -o loop host.img host ||
			skip "loop devices cannot be mounted here"
		;;
	esac
}

# leave KIB: a file takes all space of the host but so much. What a file system
# reserved for data it had not placed, and then did not need, takes another try.
leave() {
	local before=-1 now=0
	rm -f host/filler
	while [ "$now" -gt "$before" ]; do
		before=$now
		dd if=/dev/zero of=host/filler bs=4k status=none oflag=append \
			conv=notrunc 2>/dev/null || :
		sync -f host
		now=$(stat -c %s host/filler)
	done
	truncate -s -$1K host/filler
	sync -f host
}

# old_or_new IMAGE: at 1 MiB, 64 KiB as before or as in the file piece
old_or_new() {
	local at sector
	vhdtool read --offset 1M --length 64K "$1" >found
	! cmp -s found zeros || return 0
	! cmp -s found piece || return 0
	for ((at = 0; at < 128; at++)); do
		for sector in zeros piece; do
			! cmp -s -n 512 -i $((at * 512)) found $sector ||
				continue 2
		done
		echo "sector $at shows something else"
		return 1
	done
}

# With nothing left the data do not fit; with a little they do, and the
# metadata do not; with enough all works.
write_with_ever_more_space() {
	local image=$1 left
	local failed=0
	head -c 65536 /dev/urandom >piece
	head -c 65536 /dev/zero >zeros
	for left in 0 4 60 64 68 72 76 80 96 128 1024; do
		rm -f host/filler "$image"
		vhdtool create --size 64M "$image"
		leave $left
		if vhdtool write --offset 1M "$image" <piece 2>said; then
			vhdtool read --offset 1M --length 64K "$image" |
				cmp - piece
			continue
		fi
		failed=$((failed + 1))
		[ "$(cat said)" = \
			"vhdtool: $image: no space left on the host" ]
		vhdtool check "$image"
		old_or_new "$image"
		rm host/filler
		vhdtool write --offset 1M "$image" <piece
		vhdtool check "$image"
		vhdtool read --offset 1M --length 64K "$image" | cmp - piece
	done
	[ $failed -ge 2 ] # else nothing was tested
	[ "$left" -eq 1024 ] && [ -e host/filler ] # and the last one worked
}

for_host() { # KIND FORMAT
	small_host "$1"
	write_with_ever_more_space host/disk.$2
}

@test "tmpfs without space: a VHDX survives, and a write works afterwards" {
	for_host tmpfs vhdx
}

@test "tmpfs without space: a VHD survives, and a write works afterwards" {
	for_host tmpfs vhd
}

@test "ext4 without space: a VHDX survives, and a write works afterwards" {
	for_host ext4 vhdx
}

@test "ext4 without space: a VHD survives, and a write works afterwards" {
	for_host ext4 vhd
}

@test "what is mapped can be written on a full host" {
	small_host tmpfs
	for format in vhd vhdx; do
		vhdtool create --size 64M host/disk.$format
		head -c 65536 /dev/urandom >piece
		vhdtool write --offset 1M host/disk.$format <piece
	done
	leave 0
	for format in vhd vhdx; do
		head -c 4096 /dev/urandom >piece
		vhdtool write --offset 1M host/disk.$format <piece
		vhdtool read --offset 1M --length 4K host/disk.$format |
			cmp - piece
		vhdtool check host/disk.$format
	done
}
