#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Sourced in dracut's queue, when devices have settled, until it has worked once.
# dracut makes the exit environment itself, if it is told that one is needed.
if [ ! -e /run/vhd-attached ]; then
	if [ -d /sys/firmware/efi/efivars ]; then
		modprobe -q efivarfs
		mount -t efivarfs -o ro efivarfs \
			/sys/firmware/efi/efivars 2>/dev/null
	fi
	if ! device=$(/sbin/vhd-attach boot --no-exit); then
		emergency_shell -n vhd-attach \
			"The image with the root file system cannot be attached"
	else
		: >/run/vhd-attached
		[ -z "$device" ] || need_shutdown
	fi
fi
