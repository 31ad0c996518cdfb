# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# needs.bash WORD...: the first of the words that this machine has not, and why.
# A word that is not known here is a program.

missing() { # WORD: what to say, or nothing
	case $1 in
	root) [ "$(id -u)" -eq 0 ] || echo "not root" ;;
	places)
		unshare --mount true 2>/dev/null ||
			echo "no mount namespaces"
		;;
	fuse)
		[ -c /dev/fuse ] && [ -w /dev/fuse ] &&
			command -v fusermount3 >/dev/null &&
			command -v vhdfuse >/dev/null || echo "no FUSE"
		;;
	loop)
		[ -c /dev/loop-control ] && command -v losetup >/dev/null ||
			echo "no loop devices"
		;;
	nbd)
		[ -d /sys/module/nbd ] || modprobe -q nbd 2>/dev/null ||
			echo "no nbd in this kernel"
		;;
	ext4 | vfat)
		grep -qw "$1" /proc/filesystems || modprobe -q "$1" 2>/dev/null ||
			echo "no $1 in this kernel"
		;;
	reflink)
		: >reflink.tmp
		cp --reflink=always reflink.tmp reflink.two 2>/dev/null ||
			echo "no reflinks on $PWD"
		rm -f reflink.tmp reflink.two
		;;
	efi)
		[ -e "$BUILD/lib/efi/vhdboot.efi" ] || echo "no vhdboot.efi built"
		;;
	grub)
		[ -e "$BUILD/lib/grub/x86_64-efi/vhd.mod" ] ||
			echo "no vhd.mod built"
		;;
	plugin)
		[ -e "$BUILD/lib/nbdkit-vhd-plugin.so" ] ||
			echo "no nbdkit plugin built"
		;;
	*) command -v "$1" >/dev/null || echo "no $1" ;;
	esac
}

for word in "$@"; do
	missing "$word"
done | head -n 1
