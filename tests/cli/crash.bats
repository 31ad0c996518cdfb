#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# A command killed at any time: the image opens, what was reported as done is
# there, check finds nothing worse than lost space.
load helper

sound() {
	local rc=0
	vhdtool check "$1" || rc=$?
	[ $rc = 0 ] || [ $rc = 4 ]
}

# cut IMAGE SIGNAL: writes and kills the writer when it has written a while
cut() {
	[ -r /proc/self/io ] || skip "no /proc/PID/io here"
	vhdtool create --size 1G $1
	head -c 4M /dev/urandom >keep
	vhdtool write --offset 8M $1 <keep
	head -c 128M /dev/urandom >new
	for turn in 1 2 3; do
		"$VHDTOOL" write --offset $((turn * 200))M $1 <new 2>err 3>&- &
		has_written $! $((turn * 9000000))
		kill -$2 $! || true
		rc=0
		wait $! || rc=$?
		vhdtool read --offset 8M --length 4M $1 | cmp - keep
		sound $1
	done
}

@test "kill -9 of a writer: VHDX" {
	cut a.vhdx KILL
}

@test "kill -9 of a writer: VHD" {
	cut a.vhd KILL
}

@test "kill -9 of a writer: a child" {
	[ -r /proc/self/io ] || skip "no /proc/PID/io here"
	random_raw a.raw
	for format in vhd vhdx; do
		vhdtool convert a.raw p.$format
		vhdtool create --parent p.$format --size 512M c.$format ||
			vhdtool snapshot p.$format c.$format
		head -c 16M /dev/urandom >new
		"$VHDTOOL" write --offset 4M c.$format <new 3>&- &
		has_written $! 5000000
		kill -KILL $! || true
		wait $! || true
		vhdtool read --length 4M c.$format | cmp - <(head -c 4M a.raw)
		sound c.$format
	done
}

@test "after kill -9 the image can be written on" {
	cut a.vhdx KILL
	vhdtool write --offset 600M a.vhdx <keep
	vhdtool read --offset 600M --length 4M a.vhdx | cmp - keep
	vhdtool check a.vhdx
	vhdtool read --offset 8M --length 4M a.vhdx | cmp - keep
}

@test "SIGINT of a writer: exit 1, what is said to be written is there" {
	for image in a.vhd a.vhdx; do
		cut $image INT
		vhdtool check $image
		[ $rc = 0 ] || [ $rc = 1 ]
		[ $rc = 0 ] || [ -s err ]
	done
}

@test "an interrupted conversion to an image leaves nothing, or all" {
	[ -r /proc/self/io ] || skip "no /proc/PID/io here"
	mkdir out
	head -c 128M /dev/urandom >big.raw
	for signal in INT TERM KILL; do
		for format in vhd vhdx; do
			"$VHDTOOL" convert --reflink never big.raw \
				out/b.$format 2>err 3>&- &
			has_written $! 1048576
			kill -$signal $! || true
			rc=0
			wait $! || rc=$?
			if [ -e out/b.$format ]; then
				vhdtool compare out/b.$format big.raw
				rm out/b.$format
			fi
			[ -z "$(ls -A out)" ]
		done
	done
}
