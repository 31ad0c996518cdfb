#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# An interrupted conversion leaves nothing, or the complete file.
load helper

# Starts a conversion and returns when it has begun to write (or has ended).
start() {
	[ -r /proc/self/io ] || skip "no /proc/PID/io here"
	mkdir out
	head -c 128M /dev/urandom >big.raw
	"$VHDTOOL" convert --reflink never big.raw out/b.raw 2>err 3>&- &
	pid=$!
	while [ -d /proc/$pid ] &&
		[ "$(awk '/^wchar/ { print $2 }' /proc/$pid/io)" -lt 1048576 ]; do
		:
	done 2>/dev/null
}

# After the end with code $1: complete output and success, or neither
judge() {
	if [ "$1" = 0 ]; then
		cmp big.raw out/b.raw
	else
		[ -z "$(ls -A out)" ]
	fi
}

@test "SIGINT: clean end, exit 1, no debris" {
	start
	kill -INT $pid || true
	rc=0
	wait $pid || rc=$?
	[ $rc = 0 ] || [ $rc = 1 ]
	judge $rc
	[ $rc = 0 ] || [ -s err ]
}

@test "SIGTERM: clean end, exit 1, no debris" {
	start
	kill -TERM $pid || true
	rc=0
	wait $pid || rc=$?
	[ $rc = 0 ] || [ $rc = 1 ]
	judge $rc
}

@test "kill -9: no debris" {
	start
	kill -KILL $pid || true
	rc=0
	wait $pid || rc=$?
	judge $rc
}

@test "SIGINT with --force leaves the old output as it was" {
	[ -r /proc/self/io ] || skip "no /proc/PID/io here"
	mkdir out
	printf precious >out/b.raw
	head -c 128M /dev/urandom >big.raw
	"$VHDTOOL" convert --force --reflink never big.raw out/b.raw 2>err 3>&- &
	pid=$!
	while [ -d /proc/$pid ] &&
		[ "$(awk '/^wchar/ { print $2 }' /proc/$pid/io)" -lt 1048576 ]; do
		:
	done 2>/dev/null
	kill -INT $pid || true
	rc=0
	wait $pid || rc=$?
	[ "$(ls -A out)" = b.raw ]
	if [ $rc = 0 ]; then
		cmp big.raw out/b.raw
	else
		[ "$(cat out/b.raw)" = precious ]
	fi
}
