#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# How a mount is made and ends: fstab, systemd, without root, options; and what
# reaches the host's kernel.
load helper

# installed COMMAND...: as if vhdfuse were installed, in a mount namespace of
# its own. mount(8) hands no PATH on.
installed() {
	unshare -m sh -c '
		mount -t tmpfs none /usr/local/sbin &&
		ln -s "$(dirname "$VHDFUSE")"/vhd* /usr/local/sbin &&
		exec "$@"' sh "$@"
}

need_mount_helper() {
	[ "$(id -u)" = 0 ] || skip "mount needs root"
	[ -x /sbin/mount.fuse3 ] || skip "no mount.fuse3 here"
	unshare -m true || skip "no mount namespaces here"
	mkdir -p /usr/local/sbin
}

@test "mount -t fuse.vhdfuse and umount" {
	need_mount_helper
	vhdtool create --size 8M a.vhdx
	sha256sum a.vhdx >before
	# relative paths: mount(8) makes them absolute
	installed sh -ec '
		mount -t fuse.vhdfuse a.vhdx d -o ro
		grep " fuse.vhdfuse ro," /proc/self/mounts
		[ "$(stat -c %s d/disk)" = 8388608 ]
		umount d
		! mountpoint -q d'
	wait_for ended "$PWD/a.vhdx"
	sha256sum -c --quiet before
	run installed mount -t fuse.vhdfuse nothing.vhdx d
	[ "$status" = 1 ]
	[[ "$output" == *"no such file"* ]]
}

@test "lines of fstab" {
	local options
	need_mount_helper
	mkdir "a b"
	vhdtool create --size 8M "a b/c d.vhdx"
	for options in defaults ro,allow_other,nofail,noauto \
		ro,user,relatime,_netdev,x-systemd.automount,x-systemd.idle-timeout=60 \
		overlay,idle_timeout=500 max_read=131072 \
		setuid=nobody,drop_privileges,ro,allow_other; do
		printf '%s %s fuse.vhdfuse %s 0 0\n' "$PWD/a\\040b/c\\040d.vhdx" \
			"$PWD/d" "$options" >fstab
		open_to_others
		installed sh -ec '
			mount -T fstab d
			head -c 4096 d/disk | cmp -n 4096 - /dev/zero
			umount d'
		# the next one wants the image
		wait_for ended "$PWD/a b/c d.vhdx"
	done
}

@test "fstab: the file system inside as a second line" {
	need_mount_helper
	need_loop
	need mkfs.ext4
	truncate -s 32M a.raw
	mkfs.ext4 -q -F a.raw
	vhdtool convert -q a.raw a.vhdx
	printf '%s\n' "$PWD/a.vhdx $PWD/d fuse.vhdfuse nofail 0 0" \
		"$PWD/d/disk $PWD/fs ext4 loop,nofail,x-systemd.requires-mounts-for=$PWD/d 0 0" \
		>fstab
	installed sh -ec '
		mount -T fstab -a
		echo hello >fs/file
		umount fs
		umount d'
	wait_for ended "$PWD/a.vhdx"
	vhdtool mount --fs 0 --read-only a.vhdx fs
	[ "$(cat fs/file)" = hello ]
	vhdtool umount fs
}

@test "the example units are valid, and their options work" {
	local options unit
	need systemd-analyze
	vhdtool create --size 8M a.vhdx
	for unit in "$SOURCE"/docs/systemd/*.*mount; do
		# it looks for its own private folder, which may be absent
		run systemd-analyze verify "$unit"
		[ "$status" = 0 ] && [ -z "$output" ]
	done
	need_mount_helper
	options=$(sed -n 's/^Options=//p' "$SOURCE/docs/systemd/mnt-disk.mount")
	[ -n "$options" ]
	# as systemd does
	installed sh -ec 'mount a.vhdx d -t fuse.vhdfuse -o "$1"; umount d' \
		sh "$options"
	wait_for ended "$PWD/a.vhdx"
}

# the folders above are for root alone
open_to_others() {
	local folder=$PWD
	while [ "$folder" != / ] && [ "$folder" != /tmp ]; do
		chmod o+x "$folder"
		folder=$(dirname "$folder")
	done
}

@test "without root: mount, write, overlay, umount; root stays outside" {
	[ "$(id -u)" = 0 ] || skip "the other tests do, if nobody is root"
	need runuser fusermount3
	open_to_others
	mkdir -p bin user/d
	cp "$(dirname "$VHDTOOL")"/vhd{tool,fuse,-fsmap} bin
	vhdtool create --size 8M user/a.vhdx
	chown -R nobody user
	cat >as-nobody <<-'END'
	set -eu
	PATH=$PWD/bin:$PATH
	cd user
	TMPDIR=$PWD
	export TMPDIR
	unset VHDFUSE
	vhdtool mount a.vhdx d
	printf hello | dd of=d/disk conv=notrunc status=none
	dd if=/dev/zero of=d/disk bs=1M seek=1 count=4 conv=notrunc,fsync status=none
	dd if=d/disk of=copy.raw bs=1M status=none
	vhdtool umount d
	vhdtool check a.vhdx
	vhdtool compare a.vhdx copy.raw
	vhdtool mount --overlay a.vhdx d
	[ "$(head -c 5 d/disk)" = hello ]
	printf other | dd of=d/disk conv=notrunc status=none
	END
	# a device that all may open, as udev makes it, wherever this runs
	cat >as-root <<-'END'
	set -eu
	mknod -m 666 fuse c 10 229
	mount --bind fuse /dev/fuse
	runuser -u nobody -- sh as-nobody
	! ls user/d || exit 1 # root may not look without allow_other
	runuser -u nobody -- bin/vhdtool umount user/d
	END
	unshare -m true || skip "no mount namespaces here"
	unshare -m sh as-root
	[ "$(vhdtool read --length 512 user/a.vhdx | head -c 5)" = hello ]
}

@test "--json-status says what was mounted" {
	vhdtool create --size 8M base.vhdx
	vhdtool snapshot base.vhdx a.avhdx
	mounted a.avhdx --json-status >status.json
	[ "$(wc -l <status.json)" = 1 ]
	jq -e --arg dir "$PWD/d" '.mountpoint == $dir and .layers == 2 and
		.filename == "a.avhdx" and ."virtual-size" == 8388608 and
		."read-only" == false' status.json
	[ "$(jq .pid status.json)" = "$(pid_of a.avhdx)" ]
	unmounted
	mounted a.avhdx --read-only --json-status | jq -e '."read-only"'
	unmounted
}

@test "in the foreground it ends with the mount" {
	vhdtool create --size 8M a.vhdx
	vhdtool mount --foreground a.vhdx d &
	local pid=$! # waiting changes $!
	wait_for mountpoint -q d
	kill -0 $pid
	umount d || fusermount3 -u d
	wait $pid
}

@test "idle: unmounted when nothing is open, not before" {
	vhdtool create --size 8M a.vhdx
	"$VHDFUSE" --idle-timeout=1 a.vhdx d
	exec 7<>d/disk
	printf hello >&7
	# as long as it takes to be sure: more than the timeout
	read -rt 3 <> <(:) || :
	mountpoint -q d
	exec 7>&-
	wait_for eval '! mountpoint -q d'
	wait_for ended a.vhdx
	status 0 vhdtool check a.vhdx
	[ "$(vhdtool read --length 512 a.vhdx | head -c 5)" = hello ]
}

threads_of() { # IMAGE
	find "/proc/$(pid_of "$1")/task" -mindepth 1 -maxdepth 1 | wc -l
}

@test "many threads, or one" {
	local i
	vhdtool create --size 64M a.vhdx
	head -c 64M /dev/urandom | vhdtool write a.vhdx
	vhdtool hash --json a.vhdx | jq -r .hashes.sha256 >want
	mounted a.vhdx
	for i in 1 2 3 4 5 6 7 8; do
		dd if=d/disk bs=1M skip=$((i * 6)) count=8 status=none |
			sha256sum >/dev/null &
	done
	wait
	[ "$(threads_of a.vhdx)" -gt 1 ]
	sha256sum <d/disk | cut -d" " -f1 | cmp - want
	unmounted
	"$VHDFUSE" -s a.vhdx d
	sha256sum <d/disk | cut -d" " -f1 | cmp - want
	[ "$(threads_of a.vhdx)" = 1 ]
	unmounted
}

@test "a parent elsewhere needs --parent-root" {
	mkdir -p elsewhere images
	vhdtool create --size 8M elsewhere/base.vhdx
	echo parent | cat - /dev/zero | head -c 4096 | vhdtool write elsewhere/base.vhdx
	vhdtool snapshot elsewhere/base.vhdx images/a.avhdx
	status 1 vhdtool mount images/a.avhdx d
	run ! mountpoint -q d
	mounted images/a.avhdx --parent-root elsewhere
	[ "$(head -c 6 d/disk)" = parent ]
	unmounted
	mounted images/a.avhdx --parent elsewhere/base.vhdx
	[ "$(head -c 6 d/disk)" = parent ]
	unmounted
}

@test "umount waits for the image to be closed, wherever it is run" {
	local top=$PWD i
	vhdtool create --size 64M a.vhdx
	for i in 1 2 3; do
		mounted a.vhdx
		dd if=/dev/urandom of=d/disk bs=1M count=32 conv=notrunc status=none
		cd /
		vhdtool umount "$top/d"
		status 0 vhdtool check "$top/a.vhdx"
		cd "$top"
		vhdtool snapshot a.vhdx c$i.avhdx
		mounted a.vhdx --overlay --keep k$i.avhdx
		dd if=/dev/urandom of=d/disk bs=1M count=32 conv=notrunc status=none
		unmounted
		status 0 vhdtool check k$i.avhdx
		rm c$i.avhdx k$i.avhdx
	done
}

since() { # LINE
	tail -n "+$1" trace
}

# what the server does for the kernel, by its system calls; those that another
# thread interrupts are "resumed" on a line of their own
@test "data are spliced in large pieces; fsync and copies reach the host" {
	local mark
	need_strace
	need python3 fallocate
	vhdtool create --size 32M a.vhdx
	head -c 16M /dev/urandom | vhdtool write a.vhdx
	traced -f -e trace='/splice|p?(read|write)v?(64)?|fdatasync|fsync|fallocate|copy_file_range' \
		"$VHDFUSE" -f a.vhdx d &
	wait_for mountpoint -q d
	cp d/disk copy
	grep -qE 'splice(\(| resumed).* = 524288$' trace
	run ! grep -E 'pread64\(.* = [0-9]{6,}$' trace
	mark=$(wc -l <trace)
	dd if=copy of=d/disk bs=1M count=8 conv=notrunc status=none
	since "$mark" | grep -qE 'splice(\(| resumed).* = 524288$'
	run ! grep -E 'pwrite64\(.* = [0-9]{6,}$' trace
	mark=$(wc -l <trace)
	sync d/disk
	since "$mark" | grep -qE 'f(data)?sync(\(| resumed).* = 0'
	fallocate -p -o 0 -l 1M d/disk
	sync d/disk
	python3 - <<-'END'
	import os
	f = os.open("d/disk", os.O_RDWR)
	assert os.copy_file_range(f, f, 1 << 20, 2 << 20, 5 << 20) > 0
	END
	grep -qE 'copy_file_range(\(| resumed).* = [0-9]{4,}$' trace
	unmounted
	wait
	status 0 vhdtool check a.vhdx
}

# A file system in user space serves its own user only, what is open included:
# commands that give up their rights stay who they are.
@test "commands read what lies in a mount, an image in an image too" {
	local command
	random_raw inner.raw
	vhdtool convert -q inner.raw inner.vhdx
	truncate -s 48M outer.raw
	dd if=inner.vhdx of=outer.raw conv=notrunc status=none
	vhdtool convert -q outer.raw outer.vhdx
	mounted outer.vhdx
	for command in info map "map --json" hash "hash --file-too" check dump \
		log "measure -O vhd" read; do
		# shellcheck disable=SC2086 # words
		status 0 vhdtool $command -f vhdx d/disk
	done
	status 0 vhdtool compare -f raw -F raw d/disk outer.raw
	unmounted
}
