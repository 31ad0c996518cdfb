#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Commands that read never change a byte or the time of change of any file, a
# dirty log included, and work on files they may not write.
load helper

state() {
	local file
	for file in "$@"; do
		sha256sum "$file"
		stat -c '%n %s %y %z' "$file"
	done
}

look_at() {
	local file=$1
	for command in info "info --chain" chain map "map --json" read hash \
		"hash --file-too" check "check --chain" dump log \
		"measure -O vhd" "info --json"; do
		"$VHDTOOL" $command "$file" >/dev/null 2>&1 || true
	done
	"$VHDTOOL" convert "$file" out.raw >/dev/null 2>&1 || true
	"$VHDTOOL" compare "$file" out.raw >/dev/null 2>&1 || true
}

@test "a VHDX with a dirty log" {
	corpus real-win10-dirty-log.vhdx
	chmod 444 real-win10-dirty-log.vhdx
	before=$(state *.vhdx)
	look_at real-win10-dirty-log.vhdx
	[ "$(state *.vhdx)" = "$before" ]
}

@test "a chain" {
	corpus fatt-parent.vhd fatt-child.vhd
	before=$(state *.vhd)
	look_at fatt-child.vhd
	[ "$(state *.vhd)" = "$before" ]
}

@test "a fixed VHD" {
	fixed_vhd a.vhd
	before=$(state a.vhd)
	look_at a.vhd
	[ "$(state a.vhd)" = "$before" ]
}

@test "an image that QEMU writes is refused, and read with --force-share" {
	need qemu-img qemu-nbd
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	# returns when it has the image open, and its locks
	qemu-nbd --fork --persistent --pid-file=pid --socket="$PWD/socket" \
		--format=vhdx a.vhdx 3>&-
	status 1 vhdtool info a.vhdx
	[[ "$stderr" == *hint:*--force-share* ]]
	status 1 vhdtool read --length 512 a.vhdx
	status 0 vhdtool info --force-share a.vhdx
	kill "$(cat pid)"
}
