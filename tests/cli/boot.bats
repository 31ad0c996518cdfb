#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# boot-check: what loaders could do with an image.
load helper

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
