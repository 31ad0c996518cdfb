#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Partitions as files.
load helper

# a GPT disk with two partitions, ext4 and swap, as a raw file
make_gpt() {
	need sfdisk mkfs.ext4 mkswap
	truncate -s 64M gpt.raw
	printf '%s\n' 'label: gpt' 'start=2048, size=65536, name="root/one"' \
		'start=67584, size=32768' | sfdisk -q gpt.raw
	truncate -s 32M one
	mkdir content
	echo "hello from inside" >content/file
	mkfs.ext4 -q -L system -U 01234567-89ab-cdef-0123-456789abcdef \
		-d content one
	dd if=one of=gpt.raw bs=1M seek=1 conv=notrunc status=none
	truncate -s 16M two
	mkswap -q -L swap two >/dev/null
	dd if=two of=gpt.raw bs=512 seek=67584 conv=notrunc status=none
}

@test "partitions are files, with links by label, id and type" {
	make_gpt
	vhdtool convert -q gpt.raw gpt.vhdx
	mounted gpt.vhdx
	cmp d/partitions/1 one
	cmp d/partitions/2 two
	[ "$(readlink d/partitions/by-label/system)" = ../1 ]
	[ "$(readlink d/partitions/by-uuid/01234567-89ab-cdef-0123-456789abcdef)" = ../1 ]
	[ "$(readlink d/partitions/by-type/swap)" = ../2 ]
	cmp d/partitions/by-type/ext4 one
	unmounted
}

@test "a write to a partition is a write to the disk" {
	make_gpt
	vhdtool convert -q gpt.raw gpt.vhd
	mounted gpt.vhd
	printf changed | dd of=d/partitions/2 bs=1 seek=100000 conv=notrunc status=none
	[ "$(dd if=d/disk bs=1 skip=$((67584 * 512 + 100000)) count=7 status=none)" = changed ]
	run ! dd if=/dev/zero of=d/partitions/2 bs=1M seek=16 count=1 conv=notrunc
	# two writers of the same bytes would not see each other
	exec 7<>d/partitions/2
	run ! dd if=/dev/zero of=d/disk bs=512 count=1 conv=notrunc
	run -0 dd if=/dev/zero of=d/partitions/1 bs=512 count=1 conv=notrunc
	exec 7>&-
	unmounted
	status 0 vhdtool check gpt.vhd
}

@test "mount --fs N mounts the file system in a partition" {
	need_loop
	make_gpt
	vhdtool convert -q gpt.raw gpt.vhdx
	vhdtool mount --fs 1 gpt.vhdx fs
	[ "$(cat fs/file)" = "hello from inside" ]
	echo more >fs/more
	vhdtool umount fs
	status 0 vhdtool check gpt.vhdx
	vhdtool mount --overlay --fs 1 gpt.vhdx fs
	[ "$(cat fs/more)" = more ]
	rm fs/more
	vhdtool umount fs
	vhdtool mount --read-only --fs 1 gpt.vhdx fs
	[ "$(cat fs/more)" = more ]
	vhdtool umount fs
}

@test "a table of nonsense leaves the disk" {
	make_gpt
	dd if=/dev/urandom of=gpt.raw bs=512 seek=1 count=40 conv=notrunc status=none
	vhdtool convert -q gpt.raw gpt.vhdx
	mounted gpt.vhdx
	cmp d/disk gpt.raw
	unmounted
}
