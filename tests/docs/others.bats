#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What README.md says of QEMU and libvhdi ("Beside other programs"), tried with
# the versions it names. With others the table is to be looked at anew.
load ../cli/helper

need_version() { # PROGRAM ARGUMENT TEXT
	need "$1"
	"$1" "$2" 2>&1 | grep -qF "$3" || skip "not $1 $3"
}

qemu() { need_version qemu-img --version "version 7.2."; }
libvhdi() {
	need_version vhdiinfo -V 20210425
	[ -w /dev/fuse ] || skip "no FUSE here"
	mkdir -p m
}

teardown() {
	! mountpoint -q "$BATS_TEST_TMPDIR/m" ||
		fusermount -u "$BATS_TEST_TMPDIR/m"
}

# hash_of FILE: as `vhdtool hash` prints it
hash_of() { sha256sum "$1" | cut -d' ' -f1; }
right_hash() { "$VHDTOOL" hash "$1" 2>/dev/null | cut -d' ' -f1; }

# refuses MESSAGE COMMAND...
refuses() {
	local message=$1
	shift
	run ! "$@"
	[[ "$output" == *"$message"* ]]
}

@test "QEMU: a differencing VHD is read without its parent, silently" {
	qemu
	corpus fatt-child.vhd fatt-parent.vhd
	run -0 qemu-img convert -f vpc -O raw fatt-child.vhd out.raw
	[ -z "$output" ]
	[ "$(hash_of out.raw)" != "$(right_hash fatt-child.vhd)" ]
}

@test "QEMU: differencing VHDX, 4096-byte sectors, a dirty log" {
	qemu
	corpus s-x-diff-ok.vhdx s-x-lss-4096.vhdx real-win10-dirty-log.vhdx
	refuses "not supported" qemu-img info -f vhdx s-x-diff-ok.vhdx
	refuses "not supported" qemu-img info -f vhdx s-x-lss-4096.vhdx
	refuses "needs to be replayed" \
		qemu-img info -f vhdx real-win10-dirty-log.vhdx
	want=$(right_hash real-win10-dirty-log.vhdx)
	qemu-img check -q -r all -f vhdx real-win10-dirty-log.vhdx
	"$VHDTOOL" info --json real-win10-dirty-log.vhdx |
		jq -e '."dirty-flag" == false'
	[ "$(right_hash real-win10-dirty-log.vhdx)" = "$want" ]
}

@test "QEMU: no children, no resizing, no merging; checks VHDX only" {
	qemu
	truncate -s 64M disk.raw
	for format in vpc vhdx; do
		qemu-img convert -f raw -O $format disk.raw a.$format
		refuses "Backing file not supported" \
			qemu-img create -f $format -b a.$format -F $format b
		refuses "does not support resize" \
			qemu-img resize -f $format a.$format 128M
		refuses "does not have a backing file" \
			qemu-img commit -f $format a.$format
	done
	refuses "does not support checks" qemu-img check -f vpc a.vpc
	run -0 qemu-img check -f vhdx a.vhdx
}

@test "QEMU: a VHDX stays as large as it was" {
	qemu
	need qemu-io
	qemu-img create -q -f vhdx a.vhdx 64M
	qemu-io -f vhdx -c "write -P 1 0 32M" a.vhdx
	size=$(stat -c %s a.vhdx)
	qemu-io -f vhdx -c "discard 0 32M" -c "write -z -u 0 32M" a.vhdx || :
	[ "$(stat -c %s a.vhdx)" -ge "$size" ]
}

# vhdi NAME: the disk that vhdimount shows of it, the last of a chain
vhdi() {
	local last
	vhdimount "$1" m >mount.log
	last=$(find m -name 'vhdi*' | sort -V | tail -n 1)
	hash_of "$last"
	fusermount -u m
}

@test "libvhdi: reads VHD and VHDX, and 4096-byte sectors" {
	libvhdi
	corpus s-x-lss-4096.vhdx
	random_raw a.raw
	for format in vhd vhdx; do
		vhdtool convert --quiet a.raw a.$format
		[ "$(vhdi a.$format)" = "$(hash_of a.raw)" ]
	done
	[ "$(vhdi s-x-lss-4096.vhdx)" = "$(right_hash s-x-lss-4096.vhdx)" ]
	[ ! -w m/vhdi1 ]
}

@test "libvhdi: some differencing VHDs are read wrong, VHDX are refused" {
	libvhdi
	corpus fatt-child.vhd fatt-parent.vhd s-x-diff-ok.vhdx \
		s-x-diff-parent.vhdx
	[ "$(vhdi fatt-child.vhd)" != "$(right_hash fatt-child.vhd)" ]
	refuses "unable to open parent" vhdimount s-x-diff-ok.vhdx m
	# one whose bits are the same all over each byte of a bitmap
	random_raw a.raw
	vhdtool convert --quiet a.raw p.vhd
	vhdtool snapshot p.vhd c.vhd
	head -c 64K /dev/urandom | vhdtool write --offset 2M c.vhd
	[ "$(vhdi c.vhd)" = "$(right_hash c.vhd)" ]
}

@test "libvhdi: a dirty log is not looked at" {
	libvhdi
	corpus real-win10-dirty-log.vhdx
	[ "$(vhdi real-win10-dirty-log.vhdx)" != \
		"$(right_hash real-win10-dirty-log.vhdx)" ]
}
