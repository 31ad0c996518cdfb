#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Partition tables: what lies where, what may not be trusted, and what lies
# between.

load helper

# A disk of four partitions: ext4, NTFS, swap, and one of an unknown kind.
# four_disk RAW SFDISK-HEADER: partitions 1 to 4 at 2, 52, 152 and 182 MiB
four_disk() {
	need sfdisk mkswap
	truncate -s 200M "$1"
	printf '%s\nstart=%s,size=%s\nstart=%s,size=%s\nstart=%s,size=%s\nstart=%s,size=%s\n' \
		"$2" 2MiB 48MiB 52MiB 96MiB 152MiB 20MiB 182MiB 8MiB |
		sfdisk -q "$1"
	ext ext.raw 48M -t ext4
	ntfs ntfs.raw 96M
	truncate -s 20M swap.raw
	mkswap swap.raw >/dev/null 2>&1
	place "$1" 2 ext.raw
	place "$1" 52 ntfs.raw
	place "$1" 152 swap.raw
}

prove_four() {
	list "$1"
	[ "$(state 1)" = clean ]
	[ "$(state 2)" = clean ]
	[ "$(state 3)" = clean ]
	[ "$(state 4)" = unknown ]
	[ "$(total 1)" = "$(ext_free ext.raw)" ]
	[ "$(total 2)" = "$(ntfs_free ntfs.raw)" ]
	[ "$(total 3)" = $((20 * 1048576 - 4096)) ]
	poison "$1"
	cut_out "$1" 2 48 part.raw
	ext_is_whole part.raw
	cut_out "$1" 52 96 part.raw
	ntfs_is_whole part.raw
}

@test "GPT" {
	four_disk a.raw 'label: gpt'
	prove_four a.raw
	[ "$(awk '/^disk/ { print $4 }' list)" = gpt ]
	sfdisk -V -q a.raw
}

@test "MBR" {
	four_disk a.raw 'label: dos'
	prove_four a.raw
	[ "$(awk '/^disk/ { print $4 }' list)" = dos ]
}

@test "GPT whose first copy is lost" {
	four_disk a.raw 'label: gpt'
	dd if=/dev/zero of=a.raw bs=512 seek=1 count=33 conv=notrunc status=none
	prove_four a.raw
}

@test "names of partitions are told, with odd characters" {
	need sfdisk
	truncate -s 20M a.raw
	printf 'label: gpt\nsize=5M,name="one two"\nsize=5M,name="\xc3\xa4%%"\n' |
		sfdisk -q a.raw
	list a.raw
	[ "$(awk '/^fs 1/ { print $9 }' list)" = one%20two ]
	[ "$(awk '/^fs 2/ { print $9 }' list)" = %C3%A4%25 ]
}

@test "MBR with logical partitions, one after another" {
	need sfdisk mkswap
	truncate -s 200M a.raw
	printf '%s\n' 'label: dos' 'size=10MiB' 'type=5' 'size=20MiB' \
		'size=50MiB' 'size=30MiB' 'size=20MiB' | sfdisk -q a.raw
	ext ext.raw 50M -t ext4
	place_partition a.raw 6 ext.raw
	truncate -s 20M swap.raw
	mkswap swap.raw >/dev/null 2>&1
	place_partition a.raw 8 swap.raw
	list a.raw
	[ "$(state 2)" = container ]
	[ "$(state 6)" = clean ]
	[ "$(total 6)" = "$(ext_free ext.raw)" ]
	[ "$(total 8)" = $((20 * 1048576 - 4096)) ]
	sfdisk -d a.raw >before
	poison a.raw
	sfdisk -d a.raw | diff - before
	same_places a.raw
}

# place_partition RAW NUMBER FILE: to where the partition table says
place_partition() {
	local start
	start=$(sfdisk -J "$1" | jq --argjson n "$2" '.partitiontable.partitions[]
		| select(.node | endswith("raw\($n)")) | .start')
	dd if="$3" of="$1" bs=512 seek="$start" conv=notrunc,sparse status=none
}

# same_places RAW: the list has the partitions that sfdisk sees
same_places() {
	sfdisk -J "$1" | jq -r '.partitiontable.partitions[] | "\(.node
		| sub(".*raw"; "")) \(.start * 512) \(.size * 512)"' |
		sort >theirs
	awk '/^fs/ { print $2, $3, $4 }' list | sort | diff - theirs
}

@test "more logical partitions than are seen at first" {
	need sfdisk
	truncate -s 200M a.raw
	{
		printf '%s\n' 'label: dos' 'type=5'
		for _ in $(seq 40); do
			echo 'size=3MiB'
		done
	} | sfdisk -q a.raw
	list a.raw
	[ "$(grep -c ^fs list)" = 41 ]
	same_places a.raw
}

@test "a chain of logical partitions that comes back to itself ends" {
	need sfdisk
	truncate -s 100M a.raw
	printf '%s\n' 'label: dos' 'type=5' 'size=20MiB' 'size=20MiB' |
		sfdisk -q a.raw
	# the second entry of the first link: the first link again
	printf '\0\0\0\0' | dd of=a.raw bs=1 \
		seek=$((2048 * 512 + 462 + 8)) conv=notrunc status=none
	list a.raw
	[ "$(state 1)" = container ]
	printf '\1\0\0\0' | dd of=a.raw bs=1 \
		seek=$((2048 * 512 + 462 + 8)) conv=notrunc status=none
	list a.raw
}

@test "4096-byte sectors" {
	need fdisk
	truncate -s 128M a.raw
	# in sectors of 4096 bytes
	printf '%s\n' g n '' 256 +16383 n '' 17920 +10239 w |
		fdisk -b 4096 a.raw >/dev/null
	# blocks smaller than a sector: ranges shrink to whole sectors
	ext ext.raw 64M -t ext4 -b 1024
	place a.raw 1 ext.raw
	"$VHDTOOL" convert a.raw --logical-sector-size 4096 a.vhdx
	list a.vhdx
	grep -q '^disk 134217728 4096 gpt$' list
	[ "$(state 1)" = clean ]
	[ "$(state 2)" = unknown ]
	[ "$(total 1)" -le "$(ext_free ext.raw)" ]
	[ "$(total 1)" -gt $(($(ext_free ext.raw) * 95 / 100)) ]
	poison a.raw
	cut_out a.raw 1 64 part.raw
	ext_is_whole part.raw
	# with the wrong sector size there is no table
	list a.raw
	[ "$(grep -c ^fs list)" = 1 ]
}

@test "gaps: between partitions and behind them, clear of the tables" {
	need sfdisk
	truncate -s 100M a.raw
	printf 'label: gpt\nstart=4MiB,size=10MiB\nstart=20MiB,size=10MiB\n' |
		sfdisk -q a.raw
	list a.raw
	grep '^gap' list | diff - <(
		echo "gap $((14 << 20)) $((6 << 20))"
		echo "gap $((30 << 20)) $((69 << 20))"
	)
	[ "$(total)" = 0 ]
}

@test "partitions that overlap: left alone" {
	need sfdisk
	four_disk a.raw 'label: dos'
	# the second one begins a sector before the end of the first
	printf '\xff\x8f\x01\x00' | dd of=a.raw bs=1 seek=$((446 + 16 + 8)) \
		conv=notrunc status=none
	list a.raw
	[ "$(state 1)" = overlap ]
	[ "$(state 2)" = overlap ]
	[ "$(total 1)" = 0 ]
	[ "$(state 3)" = clean ]
}

@test "a partition that passes the end of the disk: left alone" {
	four_disk a.raw 'label: dos'
	truncate -s 160M a.raw
	list a.raw
	[ "$(state 1)" = clean ]
	[ "$(state 3)" = truncated ]
	[ "$(state 4)" = truncated ]
	[ "$(total 3)" = 0 ]
}

@test "a file system of the whole disk beside a partition table: all left alone" {
	four_disk a.raw 'label: dos'
	# an old superblock in the gap before the first partition
	dd if=ext.raw of=a.raw bs=1024 skip=1 seek=1 count=1 conv=notrunc \
		status=none
	list a.raw
	[ "$(state 1)" = ambiguous ]
	[ "$(total)" = 0 ]
}

@test "two signatures in one partition: left alone" {
	four_disk a.raw 'label: gpt'
	# a squashfs begins where an ext4 leaves room for a boot loader
	printf hsqs | dd of=a.raw bs=1 seek=$((2 << 20)) conv=notrunc \
		status=none
	printf '\4\0' | dd of=a.raw bs=1 seek=$(((2 << 20) + 28)) \
		conv=notrunc status=none
	list a.raw
	[ "$(state 1)" = ambiguous ]
	[ "$(total 1)" = 0 ]
}

@test "other kinds are named and left alone" {
	need mkfs.xfs
	truncate -s 400M a.raw
	mkfs.xfs -q -L data a.raw
	list a.raw
	[ "$(awk '/^fs/ { print $6, $7, $8 }' list)" = "xfs unknown data" ]
	[ "$(total)" = 0 ]
}

@test "an empty disk, and one too small for anything" {
	truncate -s 10M a.raw
	list a.raw
	[ "$(grep ^fs list)" = "fs 0 0 10485760 0 - unknown - -" ]
	truncate -s 512 b.raw
	list b.raw
	[ "$(grep ^fs list)" = "fs 0 0 512 0 - unknown - -" ]
}
