#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What a file system that took the helper over could do: nothing.

load helper

@test "once in the sandbox, nothing can be opened, started or reached" {
	run --separate-stderr -0 "$FSMAP" --self-test
	[ "${#lines[@]}" -ge 11 ]
	[[ $output != *"NOT REFUSED"* ]]
	[[ $output == *"refused: open a file"* ]]
	[[ $output == *"refused: open a socket"* ]]
	[[ $output == *"refused: start a process"* ]]
	[ ! -e vhd-fsmap.test ]
}

@test "not as root, neither" {
	need setpriv
	[ "$(id -u)" = 0 ] || skip "changing users needs root"
	chmod 755 .
	run --separate-stderr -0 setpriv --reuid 65534 --regid 65534 \
		--clear-groups "$FSMAP" --self-test
	[[ $output != *"NOT REFUSED"* ]]
}

# The file system is read after the sandbox is entered, never before.
@test "no byte of the disk is read before the rights are gone" {
	need strace
	strace -o /dev/null true || skip "strace may not trace here"
	ext a.raw 48M -t ext4
	strace -o trace -e trace=openat,pread64,seccomp,setresuid \
		"$FSMAP" a.raw >list
	grep -q '^seccomp(SECCOMP_SET_MODE_FILTER' trace
	awk '/a\.raw/ { open = 1 }
		/^seccomp\(SECCOMP_SET_MODE_FILTER/ { inside = 1 }
		/^pread64/ && open && !inside { early = 1 }
		/^pread64/ && inside { late = 1 }
		/^openat/ && inside && !/EPERM/ { opened = 1 }
		END { exit !(late && !early && !opened) }' trace
	[ "$(id -u)" != 0 ] || grep -q '^setresuid(65534' trace
}

@test "the caller's descriptors are closed" {
	need strace
	strace -o /dev/null true || skip "strace may not trace here"
	truncate -s 1M a.raw
	strace -o trace -e trace=close_range "$FSMAP" a.raw >list
	grep -q '^close_range(3, ' trace
}
