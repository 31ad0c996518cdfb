#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dracut's module for roots in images; called by dracut.

check() {
	require_binaries vhd-attach || return 1
	return 0
}

depends() {
	echo base shutdown
}

# of the machine that it boots on, not of this one
installkernel() {
	hostonly='' instmods loop nbd ublk_drv dm-mod dm-zero \
		efivarfs ext4 vfat exfat xfs btrfs ntfs3 \
		nls_cp437 nls_ascii nls_iso8859-1 nls_utf8
}

# moddir is dracut's name for this folder
install() {
	# shellcheck disable=SC2154
	inst_binary "$(command -v vhd-attach)" /sbin/vhd-attach
	inst_hook initqueue/settled 50 "${moddir:?}/vhd-attach.sh"
	inst_hook initqueue/finished 50 "$moddir/vhd-finished.sh"
	dracut_need_initqueue
	# behind those that take devices inside the image apart
	inst_hook shutdown 90 "$moddir/vhd-release.sh"
}
