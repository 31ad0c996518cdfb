#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Garbled and cut disks: the helper says something that follows the rules, or
# fails; it never dies, and never invents a place outside of a file system.
# garble.py takes other seeds for a longer run.

load helper

# garbled RAW HEAD: some variants are still believed and some are not, else
# this tests nothing
garbled() {
	run -0 "$here/garble.py" bytes "$1" "$2"
	echo "$output"
	[[ $output == *clean=* ]]
	[[ $output == *refused=* ]]
}

cut_off() {
	"$here/garble.py" cut "$1"
}

@test "ext2 without checksums" {
	ext a.raw 16M -t ext2 -b 1024
	garbled a.raw 131072
	cut_off a.raw
}

@test "ext4" {
	ext a.raw 24M -t ext4 -b 1024 -O ^metadata_csum
	garbled a.raw 4096
	cut_off a.raw
}

@test "NTFS" {
	ntfs a.raw 16M
	garbled a.raw 65536
	cut_off a.raw
}

@test "swap" {
	need mkswap
	truncate -s 4M a.raw
	mkswap a.raw >/dev/null 2>&1
	garbled a.raw 4096
	cut_off a.raw
}

@test "MBR and logical partitions" {
	need sfdisk
	truncate -s 28M a.raw
	printf '%s\n' 'label: dos' 'size=17MiB' 'type=5' 'size=3MiB' \
		'size=3MiB' | sfdisk -q a.raw
	ext ext.raw 16M -t ext2 -b 1024
	place a.raw 1 ext.raw
	garbled a.raw 512
	cut_off a.raw
}

@test "GPT" {
	need sfdisk
	truncate -s 28M a.raw
	printf '%s\n' 'label: gpt' 'size=17MiB' 'size=5MiB' | sfdisk -q a.raw
	ext ext.raw 16M -t ext2 -b 1024
	place a.raw 1 ext.raw
	garbled a.raw 2048
	cut_off a.raw
}
