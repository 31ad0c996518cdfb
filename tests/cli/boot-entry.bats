#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# boot-install --uefi with entries elsewhere than in vhdboot.conf. Whether they
# start is for tests/boot.
load helper
load boothelper

# small: an ESP with files that stand for images
small() {
	mkdir -p esp/images "esp/my images" files
	: >esp/images/a.vhdx
	: >esp/images/b.vhdx
	: >"esp/my images/c.vhdx"
	echo "the loader" >files/vhdboot.efi
	tree >before
}

install() {
	vhdtool boot-install --files files --uefi esp --force "$@"
}

unchanged() {
	tree >after
	cmp before after
}

@test "boot-install: an entry of systemd-boot comes and goes" {
	small
	mkdir -p esp/loader/entries
	tree >before
	install --entry systemd-boot --title "An image" --options "quiet x=y" \
		esp/images/a.vhdx
	cmp files/vhdboot.efi esp/EFI/vhdboot/vhdboot.efi
	printf '%s\n' "title   An image" "efi     /EFI/vhdboot/vhdboot.efi" \
		"options /images/a.vhdx quiet x=y" |
		cmp - esp/loader/entries/a.conf
	[ ! -e esp/EFI/vhdboot/vhdboot.conf ]
	install --remove a.vhdx
	unchanged
}

@test "boot-install: systemd-boot does not take away quotes in the middle" {
	small
	install --entry systemd-boot "esp/my images/c.vhdx"
	grep -Fqx 'options vhdboot "/my images/c.vhdx"' \
		esp/loader/entries/c.conf
	install --entry systemd-boot --name vol --volume \
		PARTUUID=0f3b7c52-01 "/x y.vhd"
	grep -Fqx 'options vhdboot "PARTUUID=0f3b7c52-01:/x y.vhd"' \
		esp/loader/entries/vol.conf
}

@test "boot-install: without systemd-boot there is a warning" {
	small
	status 0 install --entry systemd-boot esp/images/a.vhdx
	[[ "$stderr" == *"systemd-boot does not seem to be installed"* ]]
}

@test "boot-install: loader and folders go with the last entry of any kind" {
	small
	install --entry systemd-boot esp/images/a.vhdx
	install --entry systemd-boot esp/images/b.vhdx
	install --name menu esp/images/b.vhdx
	install --remove a.vhdx
	[ -e esp/loader/entries/b.conf ]
	install --remove --name menu x
	[ -e esp/EFI/vhdboot/vhdboot.efi ]
	[ ! -e esp/EFI/vhdboot/vhdboot.conf ]
	install --remove b.vhdx
	unchanged
}

@test "boot-install: a changed entry of systemd-boot stays" {
	small
	install --entry systemd-boot esp/images/a.vhdx
	echo "# mine" >>esp/loader/entries/a.conf
	status 0 install --remove a.vhdx
	[[ "$stderr" == *a.conf*stays* ]]
	grep -qx "# mine" esp/loader/entries/a.conf
	[ ! -e esp/EFI ]
}

@test "boot-install: an entry of systemd-boot by somebody else is refused" {
	small
	mkdir -p esp/loader/entries
	echo "title Mine" >esp/loader/entries/a.conf
	tree >before
	status 1 install --entry systemd-boot esp/images/a.vhdx
	[[ "$stderr" == *already*--name* ]]
	unchanged
	status 1 install --remove a.vhdx
	unchanged
}

@test "boot-install: --remove --entry takes entries of that kind alone" {
	small
	install esp/images/a.vhdx
	install --entry systemd-boot esp/images/a.vhdx
	status 1 install --remove --entry firmware a.vhdx
	install --remove --entry conf a.vhdx
	[ -e esp/loader/entries/a.conf ]
	install --remove --entry systemd-boot a.vhdx
	unchanged
}

# -- removable ----------------------------------------------------------------

@test "boot-install: a removable disk's loader comes and goes" {
	small
	install --entry removable --options "a b" esp/images/a.vhdx
	cmp files/vhdboot.efi esp/EFI/BOOT/BOOTX64.EFI
	grep -qx "image   /images/a.vhdx" esp/EFI/BOOT/vhdboot.conf
	grep -qx "options a b" esp/EFI/BOOT/vhdboot.conf
	install --entry removable esp/images/b.vhdx
	install --remove a.vhdx
	[ -e esp/EFI/BOOT/BOOTX64.EFI ]
	install --remove b.vhdx
	unchanged
}

@test "boot-install: another BOOTX64.EFI is never overwritten" {
	small
	mkdir -p esp/EFI/BOOT
	echo "another loader" >esp/EFI/BOOT/BOOTX64.EFI
	tree >before
	status 1 install --entry removable esp/images/a.vhdx
	[[ "$stderr" == *"another loader"*hint* ]]
	unchanged
}

@test "boot-install: a removable loader that is there already stays" {
	small
	mkdir -p esp/EFI/BOOT
	cp files/vhdboot.efi esp/EFI/BOOT/BOOTX64.EFI
	tree >before
	install --entry removable esp/images/a.vhdx
	install --remove a.vhdx
	unchanged
}

# -- firmware -----------------------------------------------------------------

# firmware: an efibootmgr that keeps its entries in a file, and says in another
# how it was called; and a sysfs in which the ESP is the third partition
firmware() {
	small
	mkdir -p bin sys/dev/block sys/devices/nvme0n1/nvme0n1p3
	echo 3 >sys/devices/nvme0n1/nvme0n1p3/partition
	ln -s ../../devices/nvme0n1/nvme0n1p3 \
		"sys/dev/block/$(stat -c %Hd:%Ld esp)"
	printf 'BootOrder: 0001,0004\n%s\n%s\n' >entries \
		$'Boot0001* debian\tHD(1,GPT)/File(\\EFI\\debian\\shimx64.efi)' \
		$'Boot0004* UEFI Shell\tFvFile(7c04a583)'
	cp entries entries.before
	cat >bin/efibootmgr <<-'END'
		#!/bin/bash
		[ ! -e fail ] || exit 5
		case $1 in
		--create)
			printf '%s\n' "$@" >called
			loader=${9}
			printf 'Boot0002* %s\tHD(3,GPT)/File(%s)x.y\n' \
				"$7" "$loader" >>entries
			;;
		--bootnum)
			sed -i "/^Boot$2/d" entries
			;;
		esac
		cat entries
	END
	chmod +x bin/efibootmgr
	export VHD_SYSFS="$PWD/sys" PATH="$PWD/bin:$PATH"
}

@test "boot-install: an entry of the firmware comes and goes" {
	firmware
	install --entry firmware --title "An image" --options quiet \
		"esp/my images/c.vhdx"
	printf '%s\n' --create --disk /dev/nvme0n1 --part 3 --label \
		"An image" --loader '\EFI\vhdboot\vhdboot.efi' --unicode \
		'vhdboot "/my images/c.vhdx" quiet' | cmp - called
	cmp files/vhdboot.efi esp/EFI/vhdboot/vhdboot.efi
	install --remove c.vhdx
	cmp entries entries.before
	unchanged
}

@test "boot-install: a firmware's entry that has changed stays" {
	firmware
	install --entry firmware esp/images/a.vhdx
	sed -i 's/vhdboot\.efi/grubx64.efi/' entries
	cp entries changed
	status 0 install --remove a.vhdx
	[[ "$stderr" == *"Boot0002 stays"* ]]
	cmp entries changed
	unchanged
	cp entries.before entries
	install --entry firmware esp/images/a.vhdx
	sed -i 's/\* a/* another/' entries
	status 0 install --remove a.vhdx
	[[ "$stderr" == *"Boot0002 stays"* ]]
}

@test "boot-install: a firmware's entry that is gone is no failure" {
	firmware
	install --entry firmware esp/images/a.vhdx
	cp entries.before entries
	install --remove a.vhdx
	unchanged
}

@test "boot-install: if efibootmgr fails, nothing is left" {
	firmware
	: >fail
	status 1 install --entry firmware esp/images/a.vhdx
	[[ "$stderr" == *"efibootmgr: failed (exit status 5)"* ]]
	unchanged
	rm fail
	# it makes an entry of another kind than it was told
	sed -i 's/loader=.*/loader=x/' bin/efibootmgr
	status 1 install --entry firmware esp/images/a.vhdx
	[[ "$stderr" == *"does not list the new entry"* ]]
	unchanged
}

@test "boot-install: no efibootmgr, no partition: said, and nothing left" {
	firmware
	rm bin/efibootmgr
	if ! command -v efibootmgr; then
		status 1 install --entry firmware esp/images/a.vhdx
		[[ "$stderr" == *"efibootmgr is not installed"*hint* ]]
	fi
	rm sys/devices/nvme0n1/nvme0n1p3/partition
	status 1 install --entry firmware esp/images/a.vhdx
	[[ "$stderr" == *"not the root of a partition"* ]]
	unchanged
}

@test "boot-install: the real efibootmgr, with variables in a folder" {
	need efibootmgr losetup sfdisk
	[ "$(id -u)" -eq 0 ] || skip "not root"
	small
	mkdir -p variables sys/dev/block
	truncate -s 64M disk
	printf 'label: gpt\nstart=1MiB,size=40MiB\n' | sfdisk -q disk
	loop=$(losetup -f --show disk) || skip "no loop device"
	name=${loop#/dev/}
	mkdir -p "sys/devices/$name/${name}p1"
	echo 1 >"sys/devices/$name/${name}p1/partition"
	ln -s "../../devices/$name/${name}p1" \
		"sys/dev/block/$(stat -c %Hd:%Ld esp)"
	export VHD_SYSFS="$PWD/sys" LIBEFIVAR_OPS=efivarfs \
		EFIVARFS_PATH="$PWD/variables/"
	run install --entry firmware --title "An image" --options quiet \
		"esp/my images/c.vhdx"
	losetup -d "$loop"
	[ "$status" -eq 0 ]
	entry=$(echo variables/Boot0000-*)
	tr -d '\0' <"$entry" | grep -aFq 'vhdboot "/my images/c.vhdx" quiet'
	tr -d '\0' <"$entry" | grep -aFq '\EFI\vhdboot\vhdboot.efi'
	install --remove c.vhdx
	[ ! -e "$entry" ]
	unchanged
}

@test "boot-install: dry runs of all kinds change nothing" {
	firmware
	for kind in conf systemd-boot firmware removable; do
		status 0 install --dry-run --entry "$kind" esp/images/a.vhdx
		[[ "$output" == *"copy files/vhdboot.efi to esp/EFI"* ]]
	done
	unchanged
	install --entry firmware esp/images/a.vhdx
	tree >before
	status 0 install --dry-run --remove a.vhdx
	[[ "$output" == *'delete Boot0002, "a"'* ]]
	unchanged
	grep -q Boot0002 entries
}

@test "boot-install: what load options cannot name is refused" {
	small
	: >'esp/images/a"b.vhdx'
	: >'esp/images/a:b.vhdx'
	tree >before
	for name in 'a"b' 'a:b'; do
		status 1 install --entry systemd-boot "esp/images/$name.vhdx"
	done
	status 1 install --entry systemd-boot --options \
		"$(printf '%0600d' 1)" esp/images/a.vhdx
	unchanged
}

@test "boot-install: wrong usage" {
	small
	status 2 vhdtool boot-install --uefi esp --grub esp/images/a.vhdx
	status 2 vhdtool boot-install --entry conf --grub esp/images/a.vhdx
	status 2 install --entry other esp/images/a.vhdx
	status 2 install --root / esp/images/a.vhdx
	status 2 install --vhdroot esp/images/a.vhdx
	status 2 vhdtool boot-install --windows --options x esp/images/a.vhdx
	status 2 install
	unchanged
}
