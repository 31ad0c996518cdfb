# SPDX-License-Identifier: BSD-2-Clause
# What the tests of boot-check and boot-install share.

# image NAME [OPTION...]: a FAT disk with a loader in it, as an image
image() {
	local name=$1
	shift
	need mkfs.vfat mmd mcopy
	truncate -s 20M inside.raw
	mkfs.vfat inside.raw >/dev/null
	mmd -i inside.raw ::/EFI ::/EFI/BOOT
	echo loader >loader
	mcopy -i inside.raw loader ::/EFI/BOOT/BOOTX64.EFI
	vhdtool convert --quiet "$@" inside.raw "$name"
	rm inside.raw loader
}

# esp: a folder that stands for an ESP, with an image; and a loader
esp() {
	mkdir -p esp/images files
	image esp/images/a.vhdx
	cp esp/images/a.vhdx esp/images/b.vhdx
	echo "the loader" >files/vhdboot.efi
}

# tree [FOLDER]: names, modes and content of what is in it, by default the ESP
tree() {
	(cd "${1:-esp}" && find . -printf '%p %m\n' \
		-type f -exec sha256sum {} + | sort)
}
