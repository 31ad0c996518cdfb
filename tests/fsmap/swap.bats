#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Linux swap: everything behind the header, unless a system sleeps in it.

load helper

swap() { # RAW SIZE MKSWAP-OPTION...
	local raw=$1 size=$2
	shift 2
	need mkswap
	truncate -s "$size" "$raw"
	mkswap "$@" "$raw" >/dev/null 2>&1
}

# sign RAW SIGNATURE
sign() {
	printf '%-10.10s' "$2" | dd of="$1" bs=1 seek=4086 conv=notrunc \
		status=none
}

@test "all but the header is unused" {
	swap a.raw 20M -L page
	list a.raw
	[ "$(state)" = clean ]
	[ "$(total)" = $((20 * 1048576 - 4096)) ]
	poison a.raw
	[ "$(blkid -p -o value -s LABEL a.raw)" = page ]
	list a.raw
	[ "$(state)" = clean ]
}

@test "pages of 64K" {
	swap a.raw 20M --pagesize 65536
	list a.raw
	[ "$(total)" = $((20 * 1048576 - 65536)) ]
}

@test "what lies behind its last page counts as used" {
	swap a.raw 20M
	truncate -s 24M a.raw
	list a.raw
	[ "$(total)" = $((20 * 1048576 - 4096)) ]
}

@test "a suspended system: left alone" {
	local signature
	for signature in S1SUSPEND S2SUSPEND ULSUSPEND LINHIB0001; do
		swap a.raw 20M
		sign a.raw "$signature"
		# the signatures end with a NUL where there is room
		printf '\0' | dd of=a.raw bs=1 seek=$((4086 + ${#signature})) \
			count=$((10 - ${#signature})) conv=notrunc status=none
		list a.raw
		[ "$(state)" = suspended ]
		[ "$(total)" = 0 ]
	done
}

@test "swap of the first version, and with a header of another machine: left alone" {
	swap a.raw 20M
	sign a.raw SWAP-SPACE
	list a.raw
	[ "$(state)" = unknown ]
	[ "$(total)" = 0 ]
	swap b.raw 20M
	printf '\0\0\0\1' | dd of=b.raw bs=1 seek=1024 conv=notrunc status=none
	list b.raw
	[ "$(state)" = unknown ]
	[ "$(total)" = 0 ]
}

@test "larger than its place: left alone" {
	swap a.raw 20M
	truncate -s 16M a.raw
	list a.raw
	[ "$(state)" = truncated ]
	[ "$(total)" = 0 ]
}
