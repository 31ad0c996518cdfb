#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Sourced in dracut's queue, when devices have settled: once is enough. dracut
# makes the exit environment itself, if it is told that one is needed.
if [ ! -e /run/vhd-attached ]; then
	: >/run/vhd-attached
	if [ -d /sys/firmware/efi/efivars ]; then
		modprobe -q efivarfs
		mount -t efivarfs -o ro efivarfs \
			/sys/firmware/efi/efivars 2>/dev/null
	fi
	if ! device=$(/sbin/vhd-attach boot --no-exit); then
		die "The image with the root file system cannot be attached"
	elif [ -n "$device" ]; then
		need_shutdown
		info "The root's image is attached as $device"
	fi
fi
