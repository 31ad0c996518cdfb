#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# SIZE: bytes or units that are powers of 1024; nothing rounded, nothing wraps.
load helper

# offset SIZE: where `read` puts it, as the size of what it skips
bytes_read() {
	vhdtool read -f raw --length "$1" disk.raw | wc -c
}

@test "bytes and units" {
	truncate -s 4M disk.raw
	[ "$(bytes_read 0)" = 0 ]
	[ "$(bytes_read 513)" = 513 ]
	[ "$(bytes_read 1K)" = 1024 ]
	[ "$(bytes_read 1k)" = 1024 ]
	[ "$(bytes_read 3KiB)" = 3072 ]
	[ "$(bytes_read 3KB)" = 3072 ]
	[ "$(bytes_read 2M)" = 2097152 ]
	[ "$(bytes_read 2MiB)" = 2097152 ]
	[ "$(bytes_read 100B)" = 100 ]
}

@test "large units are understood" {
	truncate -s 4M disk.raw
	for size in 1G 1T 1P 16383P; do
		status 1 vhdtool read --length $size disk.raw
		[[ "$stderr" == *"end of the disk"* ]]
	done
}

@test "what is no size: exit 2" {
	truncate -s 4M disk.raw
	for size in "" K -1 +1 1.5M 1X 1KM "1 K" 0x10 1KiBB 1e3; do
		status 2 vhdtool read --length "$size" disk.raw
	done
}

@test "what passes 64 bits: exit 2" {
	truncate -s 4M disk.raw
	for size in 18446744073709551616 16384P 99999999999999999999 \
		18014398509481984K; do
		status 2 vhdtool read --length $size disk.raw
		[[ "$stderr" == *"too large"* ]]
	done
	status 1 vhdtool read --length 18446744073709551615 disk.raw
}
