#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# compact --free-space on disks whose free space is full of old data: the image
# becomes as small as one of the disk as it was made, the files stay.

load helper

vhdtool() {
	VHD_FSMAP=$FSMAP "$VHDTOOL" "$@"
}

# empty_again IMAGE NEW-RAW: an image of the disk, its free space overwritten,
# shrinks to what one of the disk as it was takes; leaves out.raw
empty_again() {
	local image=$1 fresh best after
	cp "$2" full.raw
	list full.raw
	poison full.raw
	vhdtool convert --force --block-size 2M full.raw "$image"
	fresh=fresh.${image##*.}
	vhdtool convert --force --block-size 2M "$2" "$fresh"
	best=$(stat -c %s "$fresh")
	foretold=$(vhdtool compact --free-space --dry-run --json "$image" |
		jq '."file-size"')
	id=$(vhdtool info --json "$image" | jq -r .id)
	vhdtool compact --free-space "$image"
	after=$(stat -c %s "$image")
	echo "$image: fresh $best, foretold $foretold, compacted $after"
	[ "$after" -le $((best + best / 50 + 2097152)) ]
	[ "$foretold" -le $((after + 2097152)) ]
	[ "$foretold" -ge $((after - 2097152)) ]
	[ "$(vhdtool info --json "$image" | jq -r .id)" = "$id" ]
	vhdtool check "$image"
	vhdtool convert --force "$image" out.raw
}

@test "ext4" {
	local image
	[ -d files ] || known_files files
	need mke2fs debugfs jq
	truncate -s 128M new.raw
	mke2fs -q -F -t ext4 -L known -d files new.raw
	for image in a.vhd a.vhdx; do
		empty_again "$image" new.raw
		ext_is_whole out.raw
	done
}

@test "NTFS" {
	local image
	need jq
	ntfs new.raw 128M
	for image in a.vhd a.vhdx; do
		empty_again "$image" new.raw
		ntfs_is_whole out.raw
	done
}

@test "a GPT disk with ext4 and NTFS" {
	local image
	need sfdisk mke2fs debugfs jq
	known_files files
	truncate -s 256M new.raw
	printf 'label: gpt\nstart=2MiB,size=96MiB\nstart=100MiB,size=128MiB\n' |
		sfdisk -q new.raw
	truncate -s 96M one.raw
	mke2fs -q -F -t ext4 -L known -d files one.raw
	ntfs two.raw 128M
	place new.raw 2 one.raw
	place new.raw 100 two.raw
	for image in a.vhd a.vhdx; do
		empty_again "$image" new.raw
		cut_out out.raw 2 96 one.raw
		ext_is_whole one.raw
		cut_out out.raw 100 128 two.raw
		ntfs_is_whole two.raw
	done
}

@test "a child whose base has no free space left to give" {
	local format
	need mke2fs debugfs jq
	known_files files
	truncate -s 128M new.raw
	mke2fs -q -F -t ext4 -L known -d files new.raw
	for format in vhd vhdx; do
		cp new.raw full.raw
		list full.raw
		poison full.raw
		vhdtool convert --force full.raw "base.$format"
		rm -f "child.$format"
		vhdtool snapshot "base.$format" "child.$format"
		poison full.raw
		vhdtool write "child.$format" <full.raw
		before=$(stat -c %s "child.$format")
		vhdtool compact --free-space "child.$format"
		[ "$(stat -c %s "child.$format")" -lt $((before / 2)) ]
		vhdtool compact --zeroes "base.$format"
		vhdtool check "child.$format"
		vhdtool convert --force "child.$format" out.raw
		ext_is_whole out.raw
	done
}
