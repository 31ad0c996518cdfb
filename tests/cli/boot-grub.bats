#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# boot-install --grub: what is put into a system, here a folder, and taken away
# again. Whether GRUB starts an image by it is for tests/boot.
load helper
load boothelper

ID=0123-abcd

# system: a folder with GRUB in it, and modules of ours for it
system() {
	local platform
	mkdir -p root/etc/grub.d files
	for platform in i386-pc x86_64-efi; do
		mkdir -p {root/boot/grub,root/usr/lib/grub,files}/$platform
		printf 'vhd.mod for GRUB 2.06-13\0%s' "$platform" \
			>files/$platform/vhd.mod
		for folder in root/boot/grub root/usr/lib/grub; do
			printf 'grub_package_version="2.06-13"\n' \
				>$folder/$platform/modinfo.sh
		done
	done
	mkdir -p root/usr/lib/grub/x86_64-efi-signed root/boot/grub/fonts
	tree root >before
}

install() {
	vhdtool boot-install --grub --files files --root root \
		--volume "UUID=$ID" "$@"
}

unchanged() {
	tree root >after
	cmp before after
}

@test "boot-install: GRUB's module and an entry come and go" {
	system
	status 0 install --title "An image" /images/a.vhdx
	[[ "$output" == *"Now run: chroot root grub-mkconfig"* ]]
	for folder in boot/grub usr/lib/grub; do
		for platform in i386-pc x86_64-efi; do
			cmp files/$platform/vhd.mod \
				root/$folder/$platform/vhd.mod
		done
	done
	[ -x root/etc/grub.d/45_vhd_a ]
	root/etc/grub.d/45_vhd_a >entry
	grep -Fx "menuentry 'An image' --class gnu-linux --class os --id vhd-a {" \
		entry
	grep -Fq "search --no-floppy --fs-uuid --set=vhd_host '$ID'" entry
	grep -Fq "vhd vhd0 (\$vhd_host)'/images/a.vhdx'" entry
	grep -Fq " ro 'vhdroot=UUID=$ID:/images/a.vhdx'" entry
	install --remove a.vhdx
	unchanged
}

@test "boot-install: an entry for GRUB is good syntax, whatever it names" {
	need grub-script-check
	system
	install --title "It's a \$(title) \"so\" {" \
		--options 'quiet  x=$y;z' '/a b/$x {;}.vhdx'
	sh root/etc/grub.d/45_vhd_-x---- >entry
	grub-script-check entry
	grep -Fq "menuentry 'It'\\''s a \$(title) \"so\" {' " entry
	grep -Fq " 'quiet' 'x=\$y;z'" entry
}

@test "boot-install: GRUB's module stays until the last entry goes" {
	system
	install /a.vhdx
	install --name b --volume LABEL=stick /b.vhdx
	root/etc/grub.d/45_vhd_b | grep -Fq "search --no-floppy --label"
	install --remove a.vhdx
	[ -e root/boot/grub/i386-pc/vhd.mod ]
	[ ! -e root/etc/grub.d/45_vhd_a ]
	install --remove --name b x
	unchanged
}

@test "boot-install: what was changed, or was there before, stays" {
	system
	cp files/i386-pc/vhd.mod root/boot/grub/i386-pc/
	install /a.vhdx
	echo "# mine" >>root/etc/grub.d/45_vhd_a
	printf 'vhd.mod for GRUB 2.06-13\0newer' \
		>root/boot/grub/x86_64-efi/vhd.mod
	status 0 install --remove a.vhdx
	[[ "$stderr" == *45_vhd_a*stays*vhd.mod*stays* ]]
	[ -e root/boot/grub/i386-pc/vhd.mod ]
	[ -e root/boot/grub/x86_64-efi/vhd.mod ]
	[ ! -e root/usr/lib/grub/i386-pc/vhd.mod ]
	[ ! -e root/var ]
}

@test "boot-install: a module for another GRUB is refused" {
	system
	printf 'grub_package_version="2.06-130"\n' \
		>root/boot/grub/i386-pc/modinfo.sh
	tree root >before
	status 1 install /a.vhdx
	[[ "$stderr" == *"was not built for GRUB 2.06-130"*hint* ]]
	unchanged
	# so is one that is there and does not fit
	printf 'grub_package_version="2.06-13"\n' \
		>root/boot/grub/i386-pc/modinfo.sh
	printf 'vhd.mod for GRUB 2.06-12\0' >root/boot/grub/i386-pc/vhd.mod
	tree root >before
	status 1 install /a.vhdx
	[[ "$stderr" == *"another file of that name"* ]]
	unchanged
}

@test "boot-install: without GRUB, or its module, nothing is left" {
	system
	status 1 install --files nowhere /a.vhdx
	rm -r root/boot
	tree root >before
	status 1 install /a.vhdx
	[[ "$stderr" == *"no GRUB with a vhd.mod"* ]]
	unchanged
}

@test "boot-install: a failure while writing for GRUB leaves nothing" {
	system
	mkdir -p root/var/lib
	: >root/var/lib/vhdtool
	tree root >before
	status 1 install /a.vhdx
	unchanged
	rm root/var/lib/vhdtool
	# the entry cannot be written, after the modules could
	rmdir root/etc/grub.d
	: >root/etc/grub.d
	tree root >before
	status 1 install /a.vhdx
	unchanged
}

@test "boot-install: a dry run for GRUB changes nothing" {
	system
	status 0 install --dry-run /a.vhdx
	[[ "$output" == *"write root/etc/grub.d/45_vhd_a"* ]]
	unchanged
	install /a.vhdx
	tree root >before
	status 1 install /a.vhdx
	[[ "$stderr" == *already* ]]
	status 0 install --dry-run --remove a.vhdx
	[[ "$output" == *"delete root/boot/grub/i386-pc/vhd.mod"* ]]
	unchanged
}

@test "boot-install: what GRUB cannot pass to a kernel is refused" {
	system
	for name in "it's" 'a"b' 'a\b' $'a\nb'; do
		status 1 install "/$name.vhdx"
	done
	status 1 install --options "x='y'" /a.vhdx
	status 2 install --volume PARTUUID=1 /a.vhdx
	status 2 install a.vhdx
	status 1 install --remove a.vhdx
	unchanged
}

# volume: a mounted ext4 in the folder volume, with an image of a Linux on it
volume() {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	need mkfs.ext4 sfdisk
	mkdir volume
	truncate -s 64M disk
	mkfs.ext4 -q -U 11112222-3333-4444-5555-666677778888 disk
	truncate -s 24M disk.raw
	printf 'label: gpt\nstart=1MiB,size=1MiB\nstart=2MiB,size=20MiB\n' |
		sfdisk -q disk.raw
	truncate -s 20M part
	mkfs.ext4 -q part
	dd if=part of=disk.raw bs=1M seek=2 conv=notrunc,sparse status=none
	vhdtool convert --quiet disk.raw linux.vhdx
	mount -o loop disk volume || skip "cannot mount"
	mkdir "volume/my images"
	mv linux.vhdx "volume/my images"
}

@test "boot-install: for GRUB, the volume and what is inside are found" {
	volume
	system
	run vhdtool boot-install --grub --files files --root root \
		"volume/my images/linux.vhdx"
	umount volume
	[ "$status" -eq 0 ]
	sh root/etc/grub.d/45_vhd_linux >entry
	grep -Fq "insmod ext2" entry
	grep -Fq "for vhd_disk in vhd0,gpt2; do" entry
	grep -Fq "'vhdroot=UUID=11112222-3333-4444-5555-666677778888:/my images/linux.vhdx'" entry
}

@test "boot-install: an image that GRUB could not start is refused" {
	system
	vhdtool create --size 8M empty.vhdx
	status 1 vhdtool boot-install --grub --files files --root root \
		empty.vhdx
	unchanged
}
