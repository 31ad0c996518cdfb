#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Real file systems in mounted images: filled, used, checked by their own fsck,
# and compared with what the image holds afterwards.
load helper

# the file systems, and how large a disk they want
make_fs() { # KIND FILE
	case $1 in
	ext4) need mkfs.ext4 && mkfs.ext4 -q -F "$2" ;;
	xfs) need mkfs.xfs && mkfs.xfs -q -f "$2" ;;
	btrfs) need mkfs.btrfs && mkfs.btrfs -q -f "$2" ;;
	ntfs) need mkntfs ntfs-3g && mkntfs -q -f -F "$2" >/dev/null ;;
	esac
}

check_fs() { # KIND FILE
	case $1 in
	ext4) e2fsck -fn "$2" ;;
	xfs) xfs_repair -n "$2" ;;
	btrfs) btrfs check "$2" ;;
	ntfs) ntfsfix -n "$2" ;;
	vfat) fsck.vfat -n "$2" ;;
	esac >fsck.log 2>&1 || {
		cat fsck.log
		return 1
	}
}

# ntfs-3g works on the file itself, the others through a loop device
mount_fs() { # KIND FILE
	if [ "$1" = ntfs ]; then
		ntfs-3g "$2" fs
	else
		with_loop "$2"
	fi
}

# a tree that changes: written, parts deleted, renamed, cut, written again
workload() { # DIR
	local i
	mkdir "$1/src" "$1/more"
	copy_sources "$1/src"
	cp -r "$1/src/libvhd" "$1/more/one"
	for i in 1 2 3 4 5 6; do
		head -c $((i * 700000)) /dev/urandom >"$1/more/big$i"
	done
	rm -r "$1/src/tests" "$1/more/big2"
	mv "$1/more/one" "$1/more/two"
	truncate -s 100000 "$1/more/big4"
	printf end >>"$1/more/big5"
	sync -f "$1"
}

exercise() { # KIND IMAGE SIZE CREATE-OPTIONS...
	local kind=$1 image=$2
	shift 2
	vhdtool create "$image" "$@"
	mounted "$image"
	make_fs "$kind" d/disk
	mount_fs "$kind" d/disk
	mkdir -p model
	workload fs
	rm -rf model/src model/more
	cp -r fs/src fs/more model
	umount fs
	check_fs "$kind" d/disk
	mount_fs "$kind" d/disk
	rsync -rc --delete --dry-run --itemize-changes fs/src fs/more model >differences
	cat differences
	[ ! -s differences ]
	umount fs
	sha256sum <d/disk >seen
	unmounted
	status 0 vhdtool check "$image"
	vhdtool convert -q "$image" back.raw
	sha256sum <back.raw | cmp - seen
	rm -rf back.raw "$image" model
}

each_image() { # KIND SIZE
	local kind=$1
	shift
	need rsync
	exercise "$kind" dynamic.vhdx --size "$1"
	exercise "$kind" fixed.vhd --type fixed --size "$1"
	exercise "$kind" dynamic.vhd --size "$1"
	vhdtool create --size "$1" base.vhdx
	vhdtool create --size "$1" base.vhd
	exercise "$kind" child.avhdx --type differencing --parent base.vhdx
	exercise "$kind" child.avhd --type differencing --parent base.vhd
}

@test "ext4" {
	need_loop
	each_image ext4 96M
	exercise ext4 fixed.vhdx --type fixed --size 96M
	exercise ext4 large-sectors.vhdx --size 96M --logical-sector-size 4096
}

@test "XFS" {
	need_loop
	need rsync
	exercise xfs dynamic.vhdx --size 320M
	exercise xfs dynamic.vhd --size 320M
}

@test "btrfs" {
	need_loop
	need rsync
	exercise btrfs dynamic.vhdx --size 160M
	vhdtool create --size 160M base.vhd
	exercise btrfs child.avhd --type differencing --parent base.vhd
}

@test "NTFS" {
	need_loop
	need rsync
	exercise ntfs dynamic.vhdx --size 96M
	exercise ntfs dynamic.vhd --size 96M
}

# mtools works on the file itself: not every kernel here has FAT
@test "FAT" {
	local image
	need mkfs.vfat mcopy fsck.vfat
	for image in "dynamic.vhd --size 96M" \
		"fixed.vhdx --type fixed --size 96M"; do
		rm -rf model back
		mkdir model back
		# shellcheck disable=SC2086 # options
		vhdtool create $image
		mounted "${image%% *}"
		mkfs.vfat d/disk >/dev/null
		cp -r "$SOURCE/libvhd" model/src
		head -c 5M /dev/urandom >model/big
		mcopy -s -i d/disk model/src model/big ::/
		mdeltree -i d/disk ::/src/core
		rm -r model/src/core
		mren -i d/disk ::/big ::/large
		mv model/big model/large
		sync d/disk
		check_fs vfat d/disk
		mcopy -s -n -i d/disk ::/src ::/large back
		diff -r model back
		sha256sum <d/disk >seen
		unmounted
		status 0 vhdtool check "${image%% *}"
		vhdtool convert -q --force "${image%% *}" back.raw
		sha256sum <back.raw | cmp - seen
	done
}

@test "fstrim frees blocks" {
	local full
	need_loop
	need mkfs.ext4 fstrim
	vhdtool create --size 256M --block-size 1M t.vhdx
	mounted t.vhdx
	mkfs.ext4 -q -F d/disk
	with_loop d/disk
	head -c 100M /dev/urandom >fs/big
	head -c 5M /dev/urandom >fs/keep
	sha256sum <fs/keep >keep
	sync -f fs
	full=$(vhdtool info --force-share --json t.vhdx | jq '."allocated-blocks"')
	rm fs/big
	sync -f fs # ext4 trims only what its journal has committed
	fstrim fs
	sha256sum <fs/keep | cmp - keep
	umount fs
	unmounted
	status 0 vhdtool check t.vhdx
	[ "$full" -gt 100 ]
	[ "$(vhdtool info --json t.vhdx | jq '."allocated-blocks"')" -lt 60 ]
	vhdtool convert -q t.vhdx t.raw
	check_fs ext4 t.raw
}

@test "mount --fs and umount" {
	need_loop
	need mkfs.ext4
	vhdtool create --size 64M f.vhdx
	truncate -s 64M f.raw
	mkfs.ext4 -q -F f.raw
	vhdtool convert -q --force f.raw f.vhdx
	vhdtool mount --fs 0 f.vhdx fs
	printf hello >fs/file
	status 1 vhdtool mount --fs 0 f.vhdx d
	vhdtool umount fs
	status 0 vhdtool check f.vhdx
	vhdtool mount --fs 0 --read-only f.vhdx fs
	[ "$(cat fs/file)" = hello ]
	run ! touch fs/other
	vhdtool umount fs
	status 1 vhdtool mount --fs 7 f.vhdx fs
	[[ "$stderr" == *"no partition 7"* ]]
	status 1 vhdtool umount fs
	[ -z "$(grep "$BATS_TEST_TMPDIR" /proc/self/mounts)" ]
}

@test "a file system comes up after kill -9 under load, synced files in it" {
	local pid
	need_loop
	need mkfs.ext4
	vhdtool create --size 256M k.vhdx
	mounted k.vhdx
	mkfs.ext4 -q -F d/disk
	with_loop d/disk
	head -c 3M /dev/urandom >fs/keep
	sync fs/keep
	sync -f fs
	sha256sum <fs/keep >keep
	(for i in $(seq 400); do
		head -c 200K /dev/urandom >fs/f$i || exit
	done) 2>/dev/null &
	pid=$(pid_of k.vhdx)
	wait_for test -e fs/f20
	kill -9 "$pid"
	wait || :
	umount -l fs
	umount -l d || fusermount3 -uz d
	wait_for test ! -d "/proc/$pid"
	mounted k.vhdx
	with_loop d/disk
	sha256sum <fs/keep | cmp - keep
	umount fs
	check_fs ext4 d/disk
	unmounted
	status 0 vhdtool check k.vhdx
}
