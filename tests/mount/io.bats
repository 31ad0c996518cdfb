#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Reading and writing through a mount, against a raw file that gets the same.
load helper

# each FORMAT TYPE: the images the tests go through, over a random parent
images() {
	echo "a.vhdx --size 24M"
	echo "b.vhdx --size 24M --type fixed"
	echo "c.vhd --size 24M"
	echo "d.vhd --size 24M --type fixed"
	echo "e.avhdx --type differencing --parent base.vhdx"
	echo "f.avhd --type differencing --parent base.vhd"
	echo "g.vhdx --size 24M --logical-sector-size 4096"
}

bases() {
	random_raw base.raw
	vhdtool convert -q base.raw base.vhdx
	vhdtool convert -q base.raw base.vhd
}

# both OFFSET COUNT: random bytes to the mount and to the model
both() {
	head -c "$2" /dev/urandom >piece
	dd if=piece of=d/disk bs="$2" oflag=seek_bytes seek="$1" conv=notrunc status=none
	dd if=piece of=model bs="$2" oflag=seek_bytes seek="$1" conv=notrunc status=none
}

start() { # IMAGE OPTIONS...
	vhdtool create "$@"
	vhdtool convert -q --force "$1" model.raw
	mv model.raw model
	mounted "$1"
}

finish() { # IMAGE
	cmp d/disk model
	unmounted
	status 0 vhdtool check "$1"
	vhdtool convert -q --force "$1" back.raw
	cmp back.raw model
}

@test "whole sectors, parts of sectors, over block borders" {
	local line
	bases
	while read -r line; do
		# shellcheck disable=SC2086 # options
		start $line
		both 0 4096
		both 1048576 65536
		both 2097000 1000    # over a border, both ends inside a sector
		both 4194303 2       # two sectors, a byte of each
		both 5000001 1       # one byte
		both 6291456 2097152 # a whole block
		both 25165312 512    # the last sector
		both 12345678 345678
		finish "${line%% *}"
	done < <(images)
}

@test "nothing grows: a write behind the end is refused" {
	start a.vhdx --size 8M
	run ! dd if=/dev/zero of=d/disk bs=512 oflag=seek_bytes seek=8388608 count=1 conv=notrunc
	run ! dd if=/dev/zero of=d/disk bs=4096 oflag=seek_bytes seek=8386560 count=1 conv=notrunc
	finish a.vhdx
}

@test "holes and zeroed ranges read as zeros and give space back" {
	local line
	bases
	need fallocate
	while read -r line; do
		# shellcheck disable=SC2086 # options
		start $line
		both 0 8388608
		both 10485760 1048576
		for range in "-p -o 2097152 -l 4194304" "-p -o 100 -l 1000" \
			"-z -n -o 10485760 -l 524288" "-p -o 777 -l 3000000"; do
			# shellcheck disable=SC2086 # options
			fallocate $range d/disk
			# shellcheck disable=SC2086 # options
			fallocate $range model
		done
		run ! fallocate -o 0 -l 4096 d/disk
		finish "${line%% *}"
	done < <(images)
	start h.vhdx --size 24M --block-size 1M
	both 0 8388608
	fallocate -p -o 0 -l 8388608 d/disk
	fallocate -p -o 0 -l 8388608 model
	finish h.vhdx
	vhdtool info --json h.vhdx | jq -e '."allocated-blocks" == 0'
}

@test "data and holes are where SEEK_DATA and SEEK_HOLE say" {
	need python3
	vhdtool create --size 64M --block-size 1M a.vhdx
	head -c 65536 /dev/urandom | vhdtool write --offset 8M a.vhdx
	head -c 65536 /dev/urandom | vhdtool write --offset 40M a.vhdx
	mounted a.vhdx --read-only
	python3 - <<-'END'
	import os
	f = os.open("d/disk", os.O_RDONLY)
	M = 1 << 20
	assert os.lseek(f, 0, os.SEEK_DATA) == 8 * M
	assert os.lseek(f, 0, os.SEEK_HOLE) == 0
	assert 8 * M < os.lseek(f, 8 * M, os.SEEK_HOLE) <= 9 * M
	assert os.lseek(f, 10 * M, os.SEEK_DATA) == 40 * M
	try:
	    os.lseek(f, 50 * M, os.SEEK_DATA)
	    raise SystemExit("data behind the last")
	except OSError as e:
	    assert e.errno == 6
	assert os.lseek(f, 50 * M, os.SEEK_HOLE) == 50 * M
	END
	cp --sparse=always d/disk copy.raw
	unmounted
	vhdtool compare a.vhdx copy.raw
}

@test "copy_file_range inside the mount" {
	need python3
	bases
	vhdtool create --type differencing --parent base.vhdx e.avhdx
	cp base.raw model
	mounted e.avhdx
	for file in d/disk model; do
		python3 - $file <<-'END'
		import os, sys
		f = os.open(sys.argv[1], os.O_RDWR)
		def copy(at, to, n):
		    while n:
		        k = os.copy_file_range(f, f, n, at, to)
		        assert k > 0
		        at, to, n = at + k, to + k, n - k
		copy(0, 12 << 20, 3 << 20)
		copy(5 << 20, (20 << 20) + 512, 1 << 20)
		copy(100, 16 << 20, 5000)
		END
	done
	finish e.avhdx
}

@test "fsync makes durable: kill -9, and what was synced is there" {
	local format pid i
	for format in vhdx vhd; do
		vhdtool create --size 64M k.$format
		for i in 1 2 3; do
			mounted k.$format
			head -c 4M /dev/urandom >keep
			dd if=keep of=d/disk bs=1M seek=$((i * 8)) conv=notrunc,fsync status=none
			dd if=/dev/urandom of=d/disk bs=1M seek=40 count=20 conv=notrunc status=none &
			wait_for test "$(pid_of "k.$format")"
			pid=$(pid_of "k.$format")
			kill -9 "$pid"
			wait || :
			umount -l d 2>/dev/null || fusermount3 -uz d
			wait_for test ! -d "/proc/$pid"
			run vhdtool check k.$format
			[ "$status" = 0 ] || [ "$status" = 4 ]
			vhdtool read --offset $((i * 8))M --length 4M k.$format | cmp - keep
		done
	done
}

@test "SIGTERM and an unmount under way end cleanly" {
	local pid
	vhdtool create --size 64M t.vhdx
	mounted t.vhdx
	dd if=/dev/urandom of=d/disk bs=1M count=20 conv=notrunc status=none
	sha256sum <d/disk >sum
	pid=$(pid_of t.vhdx)
	kill -TERM "$pid"
	wait_for test ! -d "/proc/$pid"
	run -0 vhdtool check t.vhdx
	vhdtool info --json t.vhdx | jq -e '."dirty-flag" | not'
	vhdtool convert -q t.vhdx t.raw
	sha256sum <t.raw | cmp - sum
}

@test "the host is full: an error, the image stays whole, space helps" {
	[ "$(id -u)" = 0 ] || skip "a small file system needs root"
	mkdir small
	mount -t tmpfs -o size=12M none small
	vhdtool create --size 64M --block-size 1M small/a.vhdx
	mounted small/a.vhdx
	dd if=/dev/urandom of=d/disk bs=1M count=2 conv=notrunc,fsync status=none
	head -c 2M d/disk >first
	run ! dd if=/dev/urandom of=d/disk bs=1M seek=4 count=30 conv=notrunc,fsync
	head -c 2M d/disk | cmp - first
	mount -o remount,size=80M small
	dd if=first of=d/disk bs=1M seek=50 conv=notrunc,fsync status=none
	unmounted
	status 0 vhdtool check small/a.vhdx
	vhdtool read --offset 0 --length 2M small/a.vhdx | cmp - first
	vhdtool read --offset 50M --length 2M small/a.vhdx | cmp - first
	umount small
}

@test "64 processes at once" {
	local i
	vhdtool create --size 64M p.vhdx
	mounted p.vhdx
	for i in $(seq 0 63); do
		(
			head -c 1M /dev/urandom >p$i
			dd if=p$i of=d/disk bs=1M seek=$i conv=notrunc,fsync status=none
			dd if=d/disk bs=1M skip=$i count=1 status=none | cmp - p$i
		) || touch failed &
	done
	wait
	[ ! -e failed ]
	for i in $(seq 0 63); do cat p$i; done | cmp - d/disk
	unmounted
	status 0 vhdtool check p.vhdx
}

@test "two views of the same bytes: one writer, and the other sees it" {
	vhdtool create --size 8M a.vhdx
	mounted a.vhdx
	exec 7<>d/disk
	printf hello >&7
	sync d/disk
	[ "$(head -c 5 d/layers/0)" = hello ]
	exec 7>&-
	unmounted
}
