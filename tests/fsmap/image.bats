#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The image around the file system: formats, chains, options, and the side of
# vhdtool that runs the helper.

load helper

vhdtool() {
	"$VHDTOOL" "$@"
}

@test "VHD and VHDX say the same as the raw disk" {
	local image
	ext a.raw 48M -t ext4
	list a.raw
	grep -v ^file list >raw.list
	for image in a.vhd a.vhdx; do
		vhdtool convert a.raw "$image"
		list "$image"
		grep -v ^file list | diff - raw.list
	done
}

@test "a differencing image is looked at as a whole, or alone" {
	ext old.raw 48M -t ext4
	cp old.raw new.raw
	head -c 8000000 /dev/urandom >big
	debugfs -w -R "write big big" new.raw 2>/dev/null
	e2fsck -fy new.raw || [ $? -le 1 ]
	vhdtool convert old.raw base.vhdx
	vhdtool convert new.raw --parent base.vhdx child.avhdx
	list child.avhdx
	[ "$(total)" = "$(ext_free new.raw)" ]
	[ "$(total)" -lt "$(ext_free old.raw)" ]
	poison new.raw
	ext_is_whole_with_big new.raw
	mkdir moved
	mv base.vhdx moved
	run -1 "$FSMAP" child.avhdx
	list child.avhdx --parent moved/base.vhdx
	[ "$(state)" = clean ]
}

@test "a parent elsewhere needs --parent-root" {
	ext a.raw 48M -t ext4
	vhdtool convert a.raw base.vhdx
	mkdir sub
	vhdtool snapshot base.vhdx sub/child.avhdx
	run -1 "$FSMAP" sub/child.avhdx
	list sub/child.avhdx --parent-root .
	[ "$(state)" = clean ]
}

ext_is_whole_with_big() {
	e2fsck -fn "$1"
	debugfs -R "dump big out.big" "$1" 2>/dev/null
	cmp out.big big
}

@test "the image is not changed, nor is its log replayed" {
	ext a.raw 48M -t ext4
	vhdtool convert a.raw a.vhdx
	sha256sum a.vhdx >before
	list a.vhdx
	sha256sum -c before
}

@test "--at-least leaves out shorter ranges" {
	ext a.raw 48M -t ext4 -b 1024
	list a.raw
	awk '$1 != "unused" || $3 >= 1048576' list >expected
	[ "$(wc -l <expected)" -lt "$(wc -l <list)" ]
	list a.raw --at-least 1M
	diff list expected
}

@test "an image that somebody writes is refused, or read with --force-share" {
	local inode
	ext a.raw 48M -t ext4
	vhdtool convert a.raw a.vhdx
	inode=$(stat -c %i a.vhdx)
	coproc vhdtool write --offset 0 a.vhdx
	# wait for its lock; asking with ours could keep it from getting it
	until grep -q ":$inode " /proc/locks; do
		[ -d "/proc/${COPROC_PID:?has ended}" ]
		sleep 0.02
	done
	run -1 "$FSMAP" a.vhdx
	[[ "$output" == *"another program has the image open"* ]]
	list a.vhdx --force-share
	[ "$(state)" = clean ]
	kill "$COPROC_PID"
}

@test "what is missing is said: on standard error, in the list, by the code" {
	run --separate-stderr -1 "$FSMAP" none.vhdx
	[ "$output" = "error no%20such%20file" ]
	[ "$stderr" = "vhd-fsmap: none.vhdx: no such file" ]
	truncate -s 1M no.vhdx
	run --separate-stderr -1 "$FSMAP" no.vhdx
	[[ $output == error* ]]
	run --separate-stderr -2 "$FSMAP"
	run --separate-stderr -2 "$FSMAP" one.raw two.raw
	run --separate-stderr -2 "$FSMAP" --format qcow2 a.raw
	run --separate-stderr -2 "$FSMAP" --at-least many a.raw
	run --separate-stderr -2 "$FSMAP" a.disk
	[[ $stderr == *"extension"* ]]
	run --separate-stderr -0 "$FSMAP" --help
	[[ $output == *"unused START LENGTH"* ]]
}

@test "an output that cannot be written is a failure" {
	[ -e /dev/full ] || skip "no /dev/full here"
	ext a.raw 48M -t ext4
	run -1 sh -c '"$1" a.raw >/dev/full' sh "$FSMAP"
}

# -- the client ---------------------------------------------------------------

@test "client: the same ranges, while it holds the image's lock" {
	ext a.raw 48M -t ext4
	vhdtool convert a.raw a.vhdx
	list a.vhdx
	client a.vhdx >answer
	[ "$(sed -n 's/^unused total //p' answer)" = "$(total)" ]
	grep -q '^the disk (ext4 "known"): 0 50331648 50331648:' answer
}

@test "client: options reach the helper" {
	ext old.raw 48M -t ext4
	vhdtool convert old.raw base.vhdx
	vhdtool snapshot base.vhdx child.avhdx
	mkdir moved
	mv base.vhdx moved
	client child.avhdx --parent moved/base.vhdx --at-least 1048576 >answer
	list child.avhdx --parent moved/base.vhdx --at-least 1M
	[ "$(sed -n 's/^unused total //p' answer)" = "$(total)" ]
	client child.avhdx --layer >answer
	grep -q '^unused total 0' answer
}

@test "client: names of the disk cannot move the cursor" {
	need mke2fs
	truncate -s 20M a.raw
	mke2fs -q -F -L $'x\e[2Jy' a.raw
	client a.raw >answer
	grep -qF 'the disk (ext2 "x\x1b[2Jy")' answer
}

@test "client: without a helper there is a hint" {
	truncate -s 1M a.raw
	run --separate-stderr -1 "$FSMAP_CLIENT" a.raw
	[[ $stderr == *"a.raw: cannot look inside: vhd-fsmap is not installed"* ]]
	[[ $stderr == *"hint: "* ]]
}

# helper_that SCRIPT: stands for a helper that was taken over
helper_that() {
	printf '#!/bin/sh\n%s\n' "$1" >helper
	chmod +x helper
	VHD_FSMAP=./helper run --separate-stderr -1 "$FSMAP_CLIENT" a.raw
	[ -z "$output" ]
}

@test "client: a helper that dies, fails or talks nonsense is not believed" {
	truncate -s 1M a.raw
	helper_that 'kill -SEGV $$'
	[[ $stderr == *"ended by signal 11"* ]]
	helper_that 'exit 127'
	[[ $stderr == *"failed with status 127"* ]]
	helper_that 'echo hello'
	[[ $stderr == *"version"* ]]
	helper_that 'echo error out%20of%20luck; exit 1'
	[[ $stderr == *"out of luck"* ]]
	helper_that "$FSMAP --force-share a.raw | grep -v end"
	[[ $stderr == *"ends early"* ]]
	# a complete answer, but not a good end
	helper_that "$FSMAP --force-share a.raw; exit 1"
	[[ $stderr == *"failed with status 1"* ]]
	# more than it should say, without an end, and without ending
	helper_that 'yes "unused 0 512"'
	helper_that 'tr "\0" x </dev/zero'
	helper_that 'echo nonsense; exec tail -f /dev/null'
}

@test "client: an answer about another file is not believed" {
	truncate -s 1M a.raw b.raw
	helper_that "$FSMAP b.raw"
	[[ $stderr == *"another file"* ]]
}
