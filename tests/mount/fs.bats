#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Real file systems in mounted images, partitioned and not: filled, used under
# load, checked by their own fsck, and compared with what the image holds
# afterwards. Here each file system meets each kind of image once or less;
# VHD_SOAK=STEPS makes it all of them, with that many steps of each process.
load helper

kinds=(dynamic.vhdx child.avhdx fixed.vhdx dynamic.vhd child.avhd fixed.vhd)

setup_file() {
	mkdir "$BATS_FILE_TMPDIR/model"
	pack_sources "$BATS_FILE_TMPDIR/source.tar"
	SEED=${VHD_SEED:-$(date +%s)}
	export SEED
	workload "$BATS_FILE_TMPDIR/model"
}

make_fs() { # KIND FILE
	case $1 in
	ext4) need mkfs.ext4 && mkfs.ext4 -q -F "$2" ;;
	xfs) need mkfs.xfs && mkfs.xfs -q -f "$2" ;;
	btrfs) need mkfs.btrfs && mkfs.btrfs -q -f "$2" ;;
	ntfs) need mkntfs ntfs-3g && mkntfs -q -f -F "$2" >/dev/null 2>&1 ;;
	vfat) need mkfs.vfat && mkfs.vfat "$2" >/dev/null ;;
	esac
}

# all through a loop device; NTFS by the only driver there is
mount_fs() { # KIND FILE
	if [ "$1" = ntfs ]; then
		mount -t ntfs-3g -o loop "$2" fs
	else
		with_loop "$2"
	fi
}

# a tree that changes: written, parts deleted, renamed, cut, written again
workload() { # DIR
	mkdir "$1/src"
	tar -C "$1/src" --no-same-owner -xf "$BATS_FILE_TMPDIR/source.tar"
	cp -r "$1/src/libvhd" "$1/src/one"
	rm -r "$1/src/tests"
	mv "$1/src/one" "$1/src/two"
	truncate -s 100000 "$1/src/README.md"
	printf end >>"$1/src/dev"
}

# rsync finds no difference to the same done on the host
same_as_model() {
	rsync -rc --delete --dry-run --itemize-changes \
		"$BATS_FILE_TMPDIR/model/src/" fs/src/ >differences
	cat differences
	[ ! -s differences ]
}

# the disk gets one partition; only the next mount shows it
partition() { # IMAGE
	need sfdisk
	printf 'label: gpt\nstart=2048\n' | sfdisk -q d/disk
	unmounted
	mounted "$1"
}

device() {
	if [ -e d/partitions/1 ]; then
		echo d/partitions/1
	else
		echo d/disk
	fi
}

# a new image and file system; a child continues with those of its parent
start() { # KIND IMAGE LAYOUT SIZE OPTIONS...
	local kind=$1 image=$2 layout=$3 size=$4
	shift 4
	case $image in
	child.*)
		parent=${image/child.a/dynamic.}
		vhdtool snapshot "$parent" "$image"
		sha256sum "$parent" >parent.sum
		mounted "$image"
		mount_fs "$kind" "$(device)"
		(cd fs && sha256sum -c --quiet) <sums
		rm -r fs/*
		return
		;;
	fixed.*) set -- --type fixed "$@" ;;
	esac
	vhdtool create --force "$image" --size "$size" "$@"
	mounted "$image"
	[ "$layout" = whole ] || partition "$image"
	make_fs "$kind" "$(device)"
	mount_fs "$kind" "$(device)"
}

# once more from the image, and nothing has changed
look_again() { # KIND IMAGE
	check_fs "$1" "$(device)"
	mount_fs "$1" "$(device)"
	same_as_model
	(cd fs && sha256sum -c --quiet) <sums
	umount fs
	sha256sum <d/disk >seen
	unmounted
	status 0 vhdtool check "$2"
	vhdtool hash --json "$2" | jq -r .hashes.sha256 >got
	cut -d" " -f1 seen | cmp - got
}

exercise() { # KIND IMAGE LAYOUT SIZE OPTIONS...
	local without='' steps=500
	need rsync
	rm -f parent.sum
	echo "# $1 in $2, $3, seed $SEED"
	start "$@"
	workload fs
	mkdir fs/stress
	# ntfs-3g gives each link of a file a page cache of its own, and is slow
	[ "$1" != ntfs ] || without="link" steps=150
	"$STRESS" fs/stress "$SEED" 3 "${VHD_SOAK:-$steps}" \
		${without:+"$without"}
	SEED=$((SEED + 1))
	sync -f fs
	(cd fs && find . -type f -print0 | xargs -0 sha256sum) >sums
	umount fs
	look_again "$1" "$2"
	[ ! -e parent.sum ] || sha256sum -c --quiet parent.sum
}

# all_of KIND SIZE [IMAGE:LAYOUT...]: these, or with VHD_SOAK everything
all_of() {
	local kind=$1 size=$2 image layout
	shift 2
	need_loop
	if [ -n "${VHD_SOAK:-}" ]; then
		set --
		for layout in whole part; do
			for image in "${kinds[@]}"; do
				set -- "$@" "$image:$layout"
			done
		done
	fi
	for image; do
		layout=${image#*:} image=${image%:*}
		case $image in *d.a* | child*) rm -f "$image" ;; esac
		exercise "$kind" "$image" "$layout" "$size"
	done
}

@test "ext4" {
	all_of ext4 96M dynamic.vhdx:part child.avhdx:part \
		dynamic.vhd:whole child.avhd:whole fixed.vhd:part
	exercise ext4 large-sectors.vhdx whole 96M --logical-sector-size 4096
}

@test "XFS" {
	all_of xfs 320M dynamic.vhdx:whole child.avhdx:whole fixed.vhdx:part
}

@test "btrfs" {
	all_of btrfs 160M dynamic.vhd:part child.avhd:part fixed.vhdx:whole
}

@test "NTFS" {
	all_of ntfs 96M dynamic.vhd:whole child.avhd:whole dynamic.vhdx:part
}

@test "FAT" {
	modprobe -q vfat || :
	grep -qw vfat /proc/filesystems || skip "this kernel has no FAT"
	all_of vfat 96M dynamic.vhd:whole child.avhd:whole dynamic.vhdx:part \
		fixed.vhd:part
}

# mtools work on the file itself: not every kernel has FAT
@test "FAT, with mtools" {
	local image layout
	need mkfs.vfat mcopy fsck.vfat
	for image in dynamic.vhd:part child.avhd:part fixed.vhdx:whole; do
		layout=${image#*:} image=${image%:*}
		rm -rf model back
		mkdir model back
		case $image in
		child.*) vhdtool snapshot dynamic.vhd "$image" ;;
		fixed.*) vhdtool create --size 96M --type fixed "$image" ;;
		*) vhdtool create --size 96M "$image" ;;
		esac
		mounted "$image"
		[ "$layout" = whole ] || partition "$image"
		mkfs.vfat "$(device)" >/dev/null
		cp -r "$SOURCE/libvhd" model/src
		head -c 5M /dev/urandom >model/big
		mcopy -s -i "$(device)" model/src model/big ::/
		mdeltree -i "$(device)" ::/src/core
		rm -r model/src/core
		mren -i "$(device)" ::/big ::/large
		mv model/big model/large
		sync "$(device)"
		check_fs vfat "$(device)"
		mcopy -s -n -i "$(device)" ::/src ::/large back
		diff -r model back
		sha256sum <d/disk >seen
		unmounted
		status 0 vhdtool check "$image"
		vhdtool convert -q --force "$image" back.raw
		sha256sum <back.raw | cmp - seen
	done
}
