#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# boot-install --initramfs: hooks and vhd-attach in a system, here a folder.
load helper
load boothelper

# system: a folder with both programs that make an initramfs, and GRUB's
# settings; and the files of ours
system() {
	mkdir -p root/usr/share/initramfs-tools/hooks root/usr/bin \
		root/usr/lib/dracut/modules.d root/etc/default \
		files/initramfs-tools/hooks \
		files/initramfs-tools/scripts/local-top files/dracut/90vhd
	: >root/usr/share/initramfs-tools/hook-functions
	: >root/etc/default/grub
	for name in vhd-attach initramfs-tools/hooks/vhd \
		initramfs-tools/scripts/local-top/vhd \
		dracut/90vhd/{module-setup,vhd-attach,vhd-finished,vhd-release}.sh; do
		echo "$name" >files/$name
	done
	tree root >before
}

install() {
	vhdtool boot-install --initramfs --files files --root root --force "$@"
}

unchanged() {
	tree root >after
	cmp before after
}

@test "boot-install: hooks for an initramfs come and go" {
	system
	status 0 install a.vhdx
	[[ "$output" == *"chroot root update-initramfs -u"* ]]
	[[ "$output" == *"chroot root dracut --force"* ]]
	for pair in vhd-attach:usr/bin/vhd-attach \
		{,etc/}initramfs-tools/hooks/vhd \
		{,etc/}initramfs-tools/scripts/local-top/vhd \
		{,usr/lib/dracut/modules.d/}90vhd/module-setup.sh; do
		case $pair in
		etc/* | usr/*) [ -x "root/$pair" ] ;;
		*:*) cmp "files/${pair%:*}" "root/${pair#*:}" ;;
		esac
	done
	[ ! -e root/etc/default/grub.d ]
	status 0 install --remove a.vhdx
	[[ "$output" == *"update-initramfs -u"* ]]
	unchanged
}

@test "boot-install: only what makes an initramfs there is served" {
	system
	rm root/usr/share/initramfs-tools/hook-functions
	tree root >before
	status 0 install a.vhdx
	[[ "$output" != *update-initramfs* ]]
	[ ! -e root/etc/initramfs-tools ]
	[ -x root/usr/lib/dracut/modules.d/90vhd/vhd-release.sh ]
	install --remove a.vhdx
	unchanged
	rmdir root/usr/lib/dracut/modules.d
	tree root >before
	status 1 install a.vhdx
	[[ "$stderr" == *"neither initramfs-tools nor dracut"* ]]
	unchanged
}

@test "boot-install: what a package has installed is left to it" {
	system
	echo packaged >root/usr/share/initramfs-tools/hooks/vhd
	mkdir root/usr/lib/dracut/modules.d/90vhd
	echo packaged >root/usr/lib/dracut/modules.d/90vhd/module-setup.sh
	echo packaged >root/usr/bin/vhd-attach
	tree root >before
	status 0 install a.vhdx
	[[ "$output" == *"there already"* ]]
	unchanged
	status 1 install --remove a.vhdx
	unchanged
}

@test "boot-install: vhdroot= for the kernels of the system in the image" {
	system
	status 0 install --vhdroot --volume UUID=12-ab /images/a.vhdx
	[[ "$output" == *"chroot root update-grub"* ]]
	GRUB_CMDLINE_LINUX=quiet
	. root/etc/default/grub.d/vhdroot.cfg
	[ "$GRUB_CMDLINE_LINUX" = "quiet vhdroot=UUID=12-ab:/images/a.vhdx" ]
	install --remove a.vhdx
	unchanged
	install --vhdroot --volume "PARTLABEL=my disk" "/a b.vhdx"
	. root/etc/default/grub.d/vhdroot.cfg
	[[ "$GRUB_CMDLINE_LINUX" == *' "vhdroot=PARTLABEL=my disk:/a b.vhdx"' ]]
}

@test "boot-install: vhdroot= that cannot be said is refused, and all undone" {
	system
	for name in "it's" 'a"b' 'a$b' 'a`b`' 'a\b'; do
		status 1 install --vhdroot --volume UUID=1 "/$name.vhdx"
	done
	status 2 install --vhdroot --volume sda1 /a.vhdx
	status 2 install --vhdroot --volume UUID=1 a.vhdx
	unchanged
	rm root/etc/default/grub
	tree root >before
	status 1 install --vhdroot --volume UUID=1 /a.vhdx
	unchanged
}

@test "boot-install: what was changed of an initramfs' files stays" {
	system
	install a.vhdx
	echo more >>root/etc/initramfs-tools/hooks/vhd
	status 0 install --remove a.vhdx
	[[ "$stderr" == *hooks/vhd*stays* ]]
	[ -e root/etc/initramfs-tools/hooks/vhd ]
	[ ! -e root/usr/bin/vhd-attach ]
}

@test "boot-install: twice, and dry: nothing is changed" {
	system
	status 0 install --dry-run a.vhdx
	[[ "$output" == *"write root/usr/bin/vhd-attach"* ]]
	unchanged
	install a.vhdx
	tree root >before
	status 1 install a.vhdx
	[[ "$stderr" == *already*--remove* ]]
	status 0 install --dry-run --remove a.vhdx
	unchanged
}

@test "boot-install: a failure while writing hooks leaves nothing" {
	system
	rm files/dracut/90vhd/vhd-release.sh
	status 1 install a.vhdx
	unchanged
	echo x >files/dracut/90vhd/vhd-release.sh
	: >root/etc/initramfs-tools
	tree root >before
	status 1 install a.vhdx
	unchanged
}

@test "boot-install: an image without a Linux is refused" {
	system
	vhdtool create --size 8M empty.vhdx
	status 1 vhdtool boot-install --initramfs --files files --root root \
		empty.vhdx
	[[ "$stderr" == *"a Linux could have as root"*--force* ]]
	unchanged
}
