#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# attach and detach, as far as this machine's kernel has the drivers: the rest
# is tested in guests (boot/linux-*).
load helper

need_loop() {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	[ -c /dev/loop-control ] || skip "no loop devices"
	[ -x "$(dirname "$VHDTOOL")/vhd-attach" ] || skip "no vhd-attach"
}

teardown() {
	[ -z "${device:-}" ] || vhdtool detach "$device" || true
}

@test "a fixed VHD becomes a loop device of the disk's size" {
	need_loop
	vhdtool create --type fixed --size 8M disk.vhd
	head -c 1M /dev/urandom >data
	vhdtool write --offset 1M disk.vhd <data
	device=$(vhdtool attach disk.vhd)
	[[ "$device" == /dev/loop* ]]
	[ "$(blockdev --getsize64 "$device")" -eq $((8 << 20)) ]
	dd if="$device" bs=1M skip=1 count=1 status=none | cmp - data
	dd if=data of="$device" bs=1M seek=3 conv=fsync status=none
	status 0 vhdtool detach "$device"
	device=
	vhdtool read --offset 3M --length 1M disk.vhd | cmp - data
	status 0 vhdtool check disk.vhd
}

@test "an attached image is locked, a detached one is not" {
	need_loop
	vhdtool create --type fixed --size 8M disk.vhd
	device=$(vhdtool attach disk.vhd)
	status 1 vhdtool write --offset 0 disk.vhd </dev/null
	status 1 vhdtool attach disk.vhd
	vhdtool detach "$device"
	device=
	status 0 vhdtool set --reset-id disk.vhd
}

@test "read-only: the device takes no writes" {
	need_loop
	vhdtool create --type fixed --size 8M disk.vhd
	sha256sum disk.vhd >before
	device=$(vhdtool attach --read-only disk.vhd)
	[ "$(blockdev --getro "$device")" -eq 1 ]
	vhdtool detach "$device"
	device=
	sha256sum --check before
}

@test "a device in use is not detached" {
	need_loop
	need mkfs.ext4
	vhdtool create --type fixed --size 8M disk.vhd
	device=$(vhdtool attach disk.vhd)
	mkfs.ext4 -q "$device"
	mkdir mnt
	mount "$device" mnt || skip "cannot mount"
	status 1 vhdtool detach "$device"
	[[ "$stderr" == *"is in use"*hint:* ]]
	umount mnt
}

@test "devices of others are left alone" {
	need_loop
	truncate -s 1M file
	other=$(losetup -f --show file) || skip "cannot make a loop device"
	status 1 vhdtool detach "$other"
	losetup -d "$other"
	[[ "$stderr" == *"no device that"* ]]
	status 1 vhdtool detach /dev/null
	status 1 vhdtool detach /dev/../etc/passwd
}

@test "without NBD in the kernel it says so" {
	need_loop
	! modprobe nbd 2>/dev/null || skip "this kernel has NBD"
	[ ! -e /sys/module/nbd ] || skip "this kernel has NBD"
	vhdtool create --size 8M disk.vhdx
	status 1 vhdtool attach disk.vhdx
	[[ "$stderr" == *"this kernel has no NBD"*hint:* ]]
	status 0 vhdtool check disk.vhdx
}

@test "what cannot be opened is not attached" {
	need_loop
	status 1 vhdtool attach missing.vhd
	[[ "$stderr" == *missing.vhd* ]]
	echo nonsense >bad.vhd
	status 1 vhdtool attach bad.vhd
	status 2 vhdtool attach --mode fuse bad.vhd
	status 2 vhdtool attach
}
