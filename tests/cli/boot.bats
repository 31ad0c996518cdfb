#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# boot-check: what loaders could do with an image; boot-install.
load helper
load boothelper

@test "boot-check: the loader inside is found, in both formats" {
	image a.vhdx
	image b.vhd --type fixed
	for name in a.vhdx b.vhd; do
		run --separate-stderr vhdtool boot-check --json "$name"
		[ "$(jq '."efi-loader"' <<<"$output")" = true ]
		for way in uefi grub linux windows; do
			jq -e --arg way "$way" \
				'.[$way] | has("bootable") and has("reasons")' \
				<<<"$output"
		done
	done
	[[ "$output" == *"Windows needs a VHDX"* ]]
}

@test "boot-check: an image without a loader is refused, with the reason" {
	vhdtool create --size 8M empty.vhdx
	run --separate-stderr vhdtool boot-check empty.vhdx
	[[ "$output" == *"no \\EFI\\BOOT\\BOOTX64.EFI"* ]]
}

@test "boot-check: a parent above the folder is not followed" {
	mkdir sub
	image base.vhdx
	vhdtool snapshot base.vhdx sub/child.vhdx
	status 3 vhdtool boot-check --json sub/child.vhdx
	[ "$(jq '."efi-loader"' <<<"$output")" = false ]
	[ "$(jq '.uefi.bootable' <<<"$output")" = false ]
	[[ "$output" == *'parent \"'* ]]
}

@test "boot-check: what is no image is an error, not an answer" {
	status 1 vhdtool boot-check missing.vhdx
	echo no >text.vhdx
	status 1 vhdtool boot-check text.vhdx
}

@test "boot-check changes nothing" {
	image a.vhdx
	sha256sum a.vhdx >before
	run vhdtool boot-check a.vhdx
	sha256sum --check before
}

# -- boot-install -------------------------------------------------------------

install() {
	vhdtool boot-install --files files --uefi esp "$@"
}

@test "boot-install: what it installs, it takes away" {
	esp
	tree >before
	install --force --title "An image" esp/images/a.vhdx
	cmp files/vhdboot.efi esp/EFI/vhdboot/vhdboot.efi
	grep -qx "title   An image" esp/EFI/vhdboot/vhdboot.conf
	grep -qx "image   /images/a.vhdx" esp/EFI/vhdboot/vhdboot.conf
	install --remove esp/images/a.vhdx
	tree >after
	cmp before after
}

@test "boot-install: the loader stays until its last entry goes" {
	esp
	tree >before
	install --force esp/images/a.vhdx
	install --force esp/images/b.vhdx
	install --remove a.vhdx
	[ -e esp/EFI/vhdboot/vhdboot.efi ]
	grep -qx "image   /images/b.vhdx" esp/EFI/vhdboot/vhdboot.conf
	install --remove b.vhdx
	tree >after
	cmp before after
}

@test "boot-install: loader and entries of others are left alone" {
	esp
	mkdir -p esp/EFI/vhdboot
	echo "another loader" >esp/EFI/vhdboot/vhdboot.efi
	printf 'title Mine\nimage /mine.vhdx' >esp/EFI/vhdboot/vhdboot.conf
	install --force esp/images/a.vhdx
	grep -qx "another loader" esp/EFI/vhdboot/vhdboot.efi
	status 1 install --remove --name Mine x.vhdx
	install --remove esp/images/a.vhdx
	printf 'title Mine\nimage /mine.vhdx\n' |
		cmp - esp/EFI/vhdboot/vhdboot.conf
	grep -qx "another loader" esp/EFI/vhdboot/vhdboot.efi
	[ ! -e esp/EFI/vhdboot/vhdtool.txt ]
}

@test "boot-install: what came in its place is not taken away" {
	esp
	mkdir -p esp/EFI/vhdboot
	: >esp/EFI/vhdboot/vhdboot.conf
	install --force esp/images/a.vhdx
	echo "a newer loader" >esp/EFI/vhdboot/vhdboot.efi
	status 0 install --remove esp/images/a.vhdx
	[[ "$stderr" == *vhdboot.efi*stays* ]]
	grep -qx "a newer loader" esp/EFI/vhdboot/vhdboot.efi
	[ -e esp/EFI/vhdboot/vhdboot.conf ]
	[ ! -s esp/EFI/vhdboot/vhdboot.conf ]
	[ ! -e esp/EFI/vhdboot/vhdtool.txt ]
}

@test "boot-install: refused, nothing is left" {
	esp
	tree >before
	vhdtool create --size 8M esp/images/empty.vhdx
	status 1 install esp/images/empty.vhdx
	[[ "$stderr" == *BOOTX64.EFI*"hint: --force"* ]]
	rm esp/images/empty.vhdx
	cp esp/images/a.vhdx .
	status 1 install --force a.vhdx
	[[ "$stderr" == *"does not lie below"*--volume* ]]
	status 1 install --files nowhere --force esp/images/a.vhdx
	status 1 install --force --title $'two\nlines' esp/images/a.vhdx
	status 2 vhdtool boot-install esp/images/a.vhdx
	status 2 install --volume sda1 /a.vhdx
	tree >after
	cmp before after
}

@test "boot-install: a failure on the way leaves nothing behind" {
	esp
	mkdir -p esp/EFI/vhdboot files/vhdboot.efi.d
	printf 'title Mine\nimage /mine.vhdx\n' >esp/EFI/vhdboot/vhdboot.conf
	rm files/vhdboot.efi
	mv files/vhdboot.efi.d files/vhdboot.efi
	tree >before
	status 1 install --force esp/images/a.vhdx
	tree >after
	cmp before after
}

@test "boot-install: a name is used once" {
	esp
	install --force esp/images/a.vhdx
	tree >before
	status 1 install --force esp/images/a.vhdx
	[[ "$stderr" == *"already"* ]]
	tree >after
	cmp before after
}

@test "boot-install: a dry run writes nothing" {
	esp
	tree >before
	status 0 install --force --dry-run esp/images/a.vhdx
	[[ "$output" == *"copy files/vhdboot.efi to esp/EFI"* ]]
	[[ "$output" == *"add entry \"a\""* ]]
	tree >after
	cmp before after
}

@test "boot-install: an image on another volume is named by it" {
	esp
	install --volume PARTUUID=0f3b7c52-8a90-4a3e-9d3c-6f2f0f6a1b11 \
		/vm/x.vhdx
	grep -qx "volume  PARTUUID=0f3b7c52.*" esp/EFI/vhdboot/vhdboot.conf
	grep -qx "image   /vm/x.vhdx" esp/EFI/vhdboot/vhdboot.conf
}

@test "boot-install: an ESP as it is mounted, without --force" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	need mkfs.vfat
	mkdir esp
	truncate -s 64M disk
	mkfs.vfat disk >/dev/null
	mount -o loop disk esp || skip "cannot mount"
	rmdir files 2>/dev/null || true
	esp
	tree >before
	run install esp/images/a.vhdx
	[ "$status" -eq 0 ] || { umount esp; false; }
	run install --remove esp/images/a.vhdx
	tree >after
	umount esp
	[ "$status" -eq 0 ]
	cmp before after
}
