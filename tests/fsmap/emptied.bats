#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# compact --free-space on disks that were filled and emptied of three quarters
# of their files: as small as a new image of the disk after fstrim; what is left
# is whole. ./dev compact-full runs it with disks of 16 GiB.
# VHD_EMPTIED_MIB: their size; VHD_EMPTIED_FORMATS: vhd, vhdx or both.

load helper

mib=${VHD_EMPTIED_MIB:-256}
formats=${VHD_EMPTIED_FORMATS:-vhd vhdx}
file_mib=4
parts=() # TYPE START SIZE, in MiB

vhdtool() {
	VHD_FSMAP=$FSMAP "$VHDTOOL" "$@"
}

# the files are large and not wanted by the next test
teardown() {
	! mountpoint -q m || umount m
	[ -z "${device:-}" ] || losetup -d "$device" || true
	rm -f ./*.raw ./*.vhd ./*.vhdx
}

need_mounts() {
	[ "$(id -u)" = 0 ] || skip "loop mounts need root"
	[ -e /dev/loop-control ] || skip "no loop devices here"
	need losetup mke2fs e2fsck fstrim mkntfs ntfs-3g ntfsfix jq
}

# -- one partition at a time -------------------------------------------------

# attach RAW TYPE START SIZE [LOSETUP-OPTION]: it is $device, of type $type
attach() {
	local raw=$1
	type=$2
	device=$(losetup -f --show -o $(($3 << 20)) --sizelimit $(($4 << 20)) \
		"${@:5}" "$raw") || skip "no loop device"
}

detach() {
	blockdev --flushbufs "$device"
	losetup -d "$device"
	device=
}

make_fs() {
	if [ "$type" = ext4 ]; then
		mke2fs -q -F -t ext4 "$device"
	else
		mkntfs -q -F "$device"
	fi
}

check_fs() {
	if [ "$type" = ext4 ]; then
		e2fsck -fn "$device"
	else
		ntfsfix -n "$device"
	fi
}

# mount_fs [OPTION...]
mount_fs() {
	local kind=(ext4)
	[ "$type" = ext4 ] || kind=(ntfs-3g -o big_writes)
	mkdir -p m
	mount -t "${kind[@]}" "$@" "$device" m || skip "cannot mount $type"
}

# -- all of them -------------------------------------------------------------

# new_disk: disk.raw with a file system in each of $parts
new_disk() {
	local part
	truncate -s "${mib}M" disk.raw
	if [ ${#parts[@]} -gt 1 ]; then
		printf '%s\n' "${parts[@]}" | awk '
			BEGIN { print "label: gpt" }
			{ printf "start=%sMiB,size=%sMiB\n", $2, $3 }' |
			sfdisk -q disk.raw
	fi
	for part in "${parts[@]}"; do
		attach disk.raw $part
		make_fs
		detach
	done
}

# in_each COMMAND...: in each mounted file system of disk.raw, of so many MiB
in_each() {
	local part
	for part in "${parts[@]}"; do
		attach disk.raw $part
		mount_fs
		"$@" "${part##* }"
		umount m
		detach
	done
}

# fill WHAT MIB: the odd or even ones of the files that fill three quarters
fill() {
	local first=1 step=2 i
	case $1 in
	all) step=1 ;;
	even) first=2 ;;
	esac
	for i in $(seq $first $step $(($2 * 3 / 4 / file_mib))); do
		dd if=/dev/urandom of=m/f$i bs=1M count=$file_mib status=none
	done
}

empty() {
	local i
	for i in $(seq $(($1 * 3 / 4 / file_mib))); do
		[ $((i % 4)) = 0 ] || rm m/f$i
	done
	sums m >kept-$1.sums
}

trim() {
	fstrim m || skip "fstrim cannot work here"
}

# -- the proof ---------------------------------------------------------------

# same_files RAW: every file system is in order and holds what was kept
same_files() {
	local part
	for part in "${parts[@]}"; do
		attach "$1" $part --read-only
		check_fs
		mount_fs -o ro
		sums m | diff - kept-${part##* }.sums
		umount m
		detach
	done
}

# shrinks IMAGE [CONVERT-OPTION...]: disk.raw is what it shows, but trimmed
shrinks() {
	local image=$1 best before after
	shift
	vhdtool convert "$@" disk.raw best-"$image"
	best=$(stat -c %s best-"$image")
	before=$(stat -c %s "$image")
	vhdtool compact --free-space "$image"
	after=$(stat -c %s "$image")
	echo "# $image: $before bytes, compacted $after, new $best" >&3
	[ "$after" -le $((best + best / 50 + 2097152)) ]
	vhdtool check "$image"
	vhdtool convert "$image" out.raw
	same_files out.raw
	rm out.raw
}

filled_and_emptied() {
	local format
	new_disk
	in_each fill all
	in_each empty
	for format in $formats; do
		vhdtool convert disk.raw "a.$format"
	done
	in_each trim
	for format in $formats; do
		shrinks "a.$format"
	done
}

@test "ext4" {
	need_mounts
	parts=("ext4 0 $mib")
	filled_and_emptied
}

@test "NTFS" {
	need_mounts
	parts=("ntfs 0 $mib")
	filled_and_emptied
}

several() {
	need_mounts
	need sfdisk
	parts=("ext4 2 $((mib / 2))" "ntfs $((mib / 2 + 2)) $((mib / 4))"
		"ext4 $((mib * 3 / 4 + 2)) $((mib / 4 - 4))")
}

@test "a GPT disk with three partitions" {
	several
	filled_and_emptied
}

@test "a GPT disk's child, over half of the files" {
	local format
	several
	new_disk
	in_each fill odd
	for format in $formats; do
		vhdtool convert disk.raw "base.$format"
	done
	in_each fill even
	in_each empty
	for format in $formats; do
		vhdtool convert --parent "base.$format" disk.raw "a.$format"
	done
	in_each trim
	for format in $formats; do
		shrinks "a.$format" --parent "base.$format"
	done
}
