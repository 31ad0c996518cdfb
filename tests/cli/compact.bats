#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Making an image smaller in place: content, ids and children stay.
load helper

# half IMAGE: 40 MiB of data, of which the first half was discarded
half() {
	vhdtool create --size 64M $1
	head -c 40M /dev/urandom | vhdtool write $1
	vhdtool discard --offset 0 --length 20M $1
}

size_of() {
	stat -c %s $1
}

# identity IMAGE: what children and people know it by
identity() {
	vhdtool info --json $1 | jq -r .id
	vhdtool hash $1
}

@test "the file shrinks as a dry run foretells; content and id stay" {
	for image in a.vhd a.vhdx; do
		half $image
		before=$(identity $image)
		old=$(size_of $image)
		cp $image untouched
		status 0 vhdtool compact --dry-run --json $image
		foretold=$(jq '."file-size"' <<<"$output")
		cmp $image untouched
		status 0 vhdtool compact --json $image
		[ "$(jq '."file-size"' <<<"$output")" = "$(size_of $image)" ]
		[ "$foretold" = "$(size_of $image)" ]
		[ "$(size_of $image)" -lt $((old - 15 * 1048576)) ]
		[ "$(identity $image)" = "$before" ]
		vhdtool check $image
	done
	need qemu-img
	qemu-img check -f vhdx a.vhdx
}

@test "an image without anything to gain is not touched" {
	for image in a.vhd a.vhdx; do
		half $image
		vhdtool compact $image
		cp $image before
		vhdtool compact $image
		cmp $image before
	done
}

@test "a child of a compacted parent reads the same" {
	for format in vhd vhdx; do
		half p.$format
		vhdtool snapshot p.$format c.$format
		head -c 1M /dev/urandom |
			vhdtool write --offset 30M c.$format
		content=$(vhdtool hash c.$format)
		vhdtool compact --zeroes p.$format
		[ "$(vhdtool hash c.$format)" = "$content" ]
	done
}

@test "a child lets go of what its parent shows" {
	for format in vhd vhdx; do
		half p.$format
		vhdtool snapshot p.$format c.$format
		vhdtool read --offset 30M --length 8M p.$format >same
		vhdtool write --offset 30M c.$format <same
		content=$(vhdtool hash c.$format)
		status 0 vhdtool compact --json c.$format
		[ "$(jq '."parent-blocks"' <<<"$output")" -ge 3 ]
		[ "$(vhdtool hash c.$format)" = "$content" ]
		vhdtool check c.$format
	done
}

# zero GRAIN COUNT: 4 KiB each, in disk.raw
zero() {
	dd if=/dev/zero of=disk.raw bs=4K seek=$1 count=$2 conv=notrunc \
		status=none
}

# of a block that is full of data not everything is read
@test "64 KiB of zeros become a hole wherever they begin, less do not" {
	head -c 64M /dev/urandom >disk.raw
	for i in $(seq 0 31); do
		zero $((512 * i + 15 * i % 497)) 16
		zero $((512 * i + (15 * i + 250) % 497)) 15
	done
	for image in a.vhd a.vhdx; do
		vhdtool create --size 64M $image
		vhdtool write $image <disk.raw
		status 0 vhdtool compact --json $image
		[ "$(jq '."punched-bytes"' <<<"$output")" = $((32 << 16)) ]
		vhdtool read $image | cmp - disk.raw
	done
}

@test "fixed images: compact refuses, trim has nothing to do" {
	for format in vhd vhdx; do
		vhdtool create --type fixed --size 8M f.$format
		cp f.$format before
		status 1 vhdtool compact f.$format
		[[ "$stderr" == *"fixed size"*hint:* ]]
		status 0 vhdtool trim f.$format
		[[ "$output" == *"fixed size"* ]]
		cmp f.$format before
	done
}

@test "QEMU reads the same, and a new copy is no smaller" {
	need qemu-img
	for image in a.vhd a.vhdx; do
		half $image
		vhdtool convert $image want.raw
		vhdtool compact $image
		same_in_qemu $image want.raw
		vhdtool convert want.raw fresh.${image#*.}
		[ "$(size_of $image)" -le \
			$(($(size_of fresh.${image#*.}) + 2097152)) ]
		rm want.raw
	done
}

# junk_disk IMAGE: a file system without files, and old data where it has none
junk_disk() {
	PATH=$PATH:/usr/sbin:/sbin
	need mke2fs
	[ -x "$(dirname "$VHDTOOL")/vhd-fsmap" ] || skip "no vhd-fsmap here"
	truncate -s 32M fs.raw
	mke2fs -q -F -t ext4 -b 4096 -O ^has_journal -L inner fs.raw
	head -c 12M /dev/urandom |
		dd of=fs.raw bs=1M seek=16 conv=notrunc status=none
	vhdtool convert --block-size 2M fs.raw $1
}

@test "free space that children may need is kept, with a hint" {
	for format in vhd vhdx; do
		junk_disk p.$format
		vhdtool snapshot p.$format c.$format
		content=$(vhdtool hash c.$format)
		cp p.$format before
		for refused in "compact --free-space" trim; do
			status 1 vhdtool $refused p.$format
			[[ "$stderr" == *"other images have it as parent"* ]]
			[[ "$stderr" == *hint:*"without free space"* ]]
			cmp p.$format before
		done
		status 0 vhdtool compact p.$format
		[ "$(vhdtool hash c.$format)" = "$content" ]
		old=$(size_of p.$format)
		status 0 vhdtool compact --free-space --ignore-children \
			p.$format
		[ "$(size_of p.$format)" -lt $((old - 10 * 1048576)) ]
	done
}

@test "trim makes holes and moves nothing" {
	for image in a.vhd a.vhdx; do
		junk_disk $image
		on_host=$(stat -c %b $image)
		status 0 vhdtool trim --json $image
		[ "$(jq '."moved-blocks"' <<<"$output")" = 0 ]
		[ "$(jq '."unused-blocks"' <<<"$output")" -ge 6 ]
		[ "$(stat -c %b $image)" -le $((on_host - 10 * 2048)) ]
		vhdtool check $image
		vhdtool convert --force $image out.raw
		e2fsck -fn out.raw
	done
}

@test "a file system that was not closed is left alone, by name" {
	need debugfs
	junk_disk a.vhdx
	debugfs -w -R "feature needs_recovery" fs.raw
	vhdtool convert --force fs.raw a.vhdx
	content=$(vhdtool hash a.vhdx)
	status 0 vhdtool compact --free-space a.vhdx
	[[ "$stderr" == *'(ext4 "inner")'*"left alone"* ]]
	[ "$(vhdtool hash a.vhdx)" = "$content" ]
}

@test "kill -9 at a system call: the content stays, running it again ends" {
	need_strace
	local calls=pwrite64,pwritev,copy_file_range,fdatasync,fallocate
	for image in a.vhd a.vhdx; do
		vhdtool create --size 32M $image
		head -c 20M /dev/urandom | vhdtool write $image
		vhdtool discard --offset 0 --length 10M $image
		content=$(vhdtool hash $image)
		cp $image full
		cp $image whole.${image#*.}
		vhdtool compact whole.${image#*.}
		for n in 1 2 3 4 5; do
			cp full $image
			rc=0
			traced -f -e "inject=$calls,ftruncate:signal=KILL:when=$n" \
				"$VHDTOOL" compact --quiet $image || rc=$?
			[ $n -gt 1 ] || [ $rc = 137 ]
			[ "$(vhdtool hash $image)" = "$content" ]
			vhdtool check $image || [ $? = 4 ]
			vhdtool compact $image
			[ "$(vhdtool hash $image)" = "$content" ]
			[ "$(size_of $image)" = "$(size_of whole.${image#*.})" ]
			vhdtool check $image
		done
	done
}
