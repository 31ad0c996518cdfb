#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What happens to a file system inside when the mount below it has a bad day,
# and what vhdtool mount --fs does.
load helper

# fs_on IMAGE SIZE OPTIONS...: a new image with ext4, mounted on fs
fs_on() {
	local image=$1 size=$2
	shift 2
	need_loop
	need mkfs.ext4
	vhdtool create "$image" --size "$size" "$@"
	mounted "$image"
	mkfs.ext4 -q -F d/disk
	with_loop d/disk
}

# Writers that note on the host what they have synced: file and checksum. They
# end when the file system does.
writers() {
	local k
	for k in 1 2 3 4; do
		(for i in $(seq 1000); do
			head -c $((k * 40000)) /dev/urandom >fs/w$k.$i &&
				sync fs/w$k.$i fs &&
				sha256sum fs/w$k.$i >>synced.$k || exit 0
		done) >/dev/null 2>&1 &
	done
	wait_for test -s synced.1 -a -s synced.2 -a -s synced.3 -a -s synced.4
	wait_for eval '[ "$(cat synced.* | wc -l)" -gt 20 ]'
}

# the image is whole, the file system comes up, and has what was synced
all_is_there() { # IMAGE
	local image=$1
	run vhdtool check "$image"
	[ "$status" = 0 ] || [ "$status" = 4 ]
	mounted "$image"
	with_loop d/disk
	cat synced.* | sha256sum -c --quiet
	umount fs
	check_fs ext4 d/disk
	unmounted
	status 0 vhdtool check "$image"
}

@test "kill -9 under load: the file system comes up with what was synced" {
	local image pid
	vhdtool create --size 256M base.vhd
	for image in k.vhdx k.avhd; do
		rm -f synced.*
		case $image in
		*.vhdx) fs_on $image 256M --block-size 1M ;;
		*) fs_on $image 256M --type differencing --parent base.vhd ;;
		esac
		writers
		pid=$(pid_of $image)
		kill -9 "$pid"
		wait
		umount -l fs
		umount -l d
		wait_for test ! -d "/proc/$pid"
		all_is_there $image
	done
}

@test "a forced unmount under load ends in order, synced files are there" {
	local pid
	fs_on f.vhdx 256M
	writers
	pid=$(pid_of f.vhdx)
	# the loop device keeps the mount busy, but its requests end now
	umount -f d || :
	wait
	[ "$(cat synced.* | wc -l)" -lt 4000 ]
	umount -l fs
	umount -l d 2>/dev/null || :
	wait_for test ! -d "/proc/$pid"
	# it was closed, not left to its log
	vhdtool info --json f.vhdx | jq -e '."dirty-flag" | not'
	all_is_there f.vhdx
}

@test "a lazy unmount lasts until the file system inside is unmounted" {
	local how pid
	fs_on l.vhdx 64M
	for how in "umount -l" "fusermount3 -uz"; do
		pid=$(pid_of l.vhdx)
		$how d
		head -c 8M /dev/urandom >fs/file
		sha256sum <fs/file >sum
		[ -d "/proc/$pid" ]
		umount fs
		wait_for test ! -d "/proc/$pid"
		status 0 vhdtool check l.vhdx
		mounted l.vhdx
		with_loop d/disk
		sha256sum <fs/file | cmp - sum
	done
	umount fs
	unmounted
}

@test "the host is full: writers fail, space helps, nothing synced is lost" {
	need_loop
	mkdir small
	mount -t tmpfs -o size=24M none small
	fs_on small/a.vhdx 128M --block-size 1M
	head -c 2M /dev/urandom >fs/keep
	sync fs/keep fs
	sha256sum fs/keep >synced.1
	for i in 1 2 3 4 5 6 7 8; do
		head -c 6M /dev/urandom >fs/much.$i || break
		sync fs/much.$i || break
	done 2>/dev/null
	[ "$i" -lt 8 ]
	sync -f fs 2>/dev/null || :
	umount fs
	mount -o remount,size=200M small
	unmounted
	vhdtool check small/a.vhdx
	# as the administrator would: first the journal, then fsck
	mounted small/a.vhdx
	e2fsck -fy d/disk || [ $? -le 2 ]
	unmounted
	all_is_there small/a.vhdx
	umount small
}

@test "64 processes at once on a file system inside" {
	fs_on p.vhdx 400M --block-size 1M
	mkdir fs/stress
	"$STRESS" fs/stress "$RANDOM" 64 100
	(cd fs && find . -type f -print0 | xargs -0 sha256sum) >sums
	umount fs
	unmounted
	status 0 vhdtool check p.vhdx
	mounted p.vhdx --read-only
	with_loop d/disk ro
	(cd fs && sha256sum -c --quiet) <sums
	umount fs
	unmounted
}

@test "fstrim frees blocks, and compact shrinks the file" {
	local full
	need fstrim
	fs_on t.vhdx 256M --block-size 1M
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
	full=$(stat -c %s t.vhdx)
	vhdtool compact --quiet t.vhdx
	[ $(($(stat -c %s t.vhdx) + 40000000)) -lt "$full" ]
	status 0 vhdtool check t.vhdx
	mounted t.vhdx
	with_loop d/disk
	sha256sum <fs/keep | cmp - keep
	umount fs
	check_fs ext4 d/disk
	unmounted
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
