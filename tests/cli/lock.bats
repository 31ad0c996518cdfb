#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Who writes an image has it alone; parents are shared by those who read.
load helper

# hold COMMAND...: runs it with a pipe as input, descriptor 9
hold() {
	[ -e pipe ] || mkfifo pipe
	"$@" <pipe >held.out 2>&1 3>&- &
	holder=$!
	exec 9>pipe
}

# hold_write IMAGE: a writer that has the image, half-way through. More than a
# pipe holds only goes in when somebody reads, and that is after locking.
hold_write() {
	head -c 4M /dev/urandom >piece
	hold "$VHDTOOL" write --length 8M "$1"
	cat piece >&9
}

release() {
	exec 9>&-
	wait $holder
}

@test "two writers: the second is refused, whatever it wants" {
	for image in a.vhd a.vhdx; do
		vhdtool create --size 8M $image
		hold_write $image
		status 1 vhdtool write $image <piece
		[ -n "$stderr" ]
		status 1 vhdtool zero --offset 0 --length 512 $image
		status 1 vhdtool discard --offset 0 --length 512 $image
		status 1 vhdtool compact $image
		status 1 vhdtool trim $image
		status 1 vhdtool check --repair $image
		[[ "$stderr" == *"another program"* ]]
		status 1 vhdtool check --restore piece $image
		status 1 vhdtool read $image
		status 1 vhdtool snapshot $image child.${image##*.}
		status 1 vhdtool convert $image copy.raw
		[ ! -e child.${image##*.} ] && [ ! -e copy.raw ]
		cat piece >&9
		release
		vhdtool read --length 4M $image | cmp - piece
	done
}

@test "QEMU refuses what we write" {
	need qemu-io
	for image in a.vhd a.vhdx; do
		vhdtool create --size 8M $image
		hold_write $image
		run ! qemu-io -f "$(qemu_name $image)" -c "write 0 512" $image
		[[ "$output" == *lock* ]]
		cat piece >&9
		release
	done
}

@test "we refuse what QEMU writes" {
	need qemu-io
	for image in a.vhd a.vhdx; do
		vhdtool create --size 8M $image
		hold qemu-io -f "$(qemu_name $image)" $image
		# one line at a time: it forgets what came together
		echo "read 0 512" >&9
		until grep -q "read 512" held.out; do
			kill -0 $holder
		done
		status 1 vhdtool write $image </dev/zero
		status 1 vhdtool zero --offset 0 --length 512 $image
		echo quit >&9
		release
		vhdtool check $image
	done
}

@test "children of one parent are written at the same time" {
	vhdtool create --size 8M p.vhdx
	vhdtool snapshot p.vhdx a.vhdx
	vhdtool snapshot p.vhdx b.vhdx
	hold_write a.vhdx
	status 0 vhdtool write b.vhdx <piece
	status 0 vhdtool write --offset 4M b.vhdx <piece
	# but the parent is not
	status 1 vhdtool write p.vhdx <piece
	cat piece >&9
	release
	vhdtool compare a.vhdx b.vhdx
}
