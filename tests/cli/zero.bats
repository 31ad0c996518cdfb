#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

# images of each kind, with data everywhere, as in a.raw
full() {
	head -c 16M /dev/urandom >a.raw
	for type in fixed dynamic; do
		for format in vhd vhdx; do
			vhdtool convert --type $type a.raw $type.$format
		done
	done
	cp a.raw plain.raw
	images="fixed.vhd dynamic.vhd fixed.vhdx dynamic.vhdx plain.raw"
}

@test "zero: the range reads as zeros, the rest as before" {
	full
	for range in "0 512" "1048576 6291456" "16776704 512"; do
		set -- $range
		dd if=/dev/zero of=a.raw bs=512 seek=$(($1 / 512)) \
			count=$(($2 / 512)) conv=notrunc status=none
		for image in $images; do
			status 0 vhdtool zero --offset $1 --length $2 $image
			[ -z "$output$stderr" ]
		done
	done
	for image in $images; do
		vhdtool compare $image a.raw
		vhdtool check $image
	done
	same_in_qemu dynamic.vhdx a.raw
	same_in_qemu dynamic.vhd a.raw
}

@test "zeroing whole blocks of a VHDX gives their space back" {
	full
	before=$(du -k dynamic.vhdx | cut -f1)
	vhdtool zero --offset 4M --length 8M dynamic.vhdx
	[ "$(du -k dynamic.vhdx | cut -f1)" -le $((before - 8000)) ]
}

@test "zero in a child hides what the parent holds" {
	full
	for format in vhd vhdx; do
		vhdtool snapshot dynamic.$format c.$format
		vhdtool zero --offset 3M --length 4608K c.$format
		[ "$(vhdtool read --offset 3M --length 4608K c.$format |
			tr -d '\0' | wc -c)" = 0 ]
		vhdtool compare dynamic.$format a.raw
		vhdtool check --chain c.$format
	done
}

@test "discard: zeros or the old content, the rest as before, less space" {
	full
	before=$(du -k dynamic.vhdx | cut -f1)
	for image in $images; do
		status 0 vhdtool discard --offset 4M --length 8M $image
		vhdtool read --length 4M $image | cmp - <(head -c 4M a.raw)
		vhdtool read --offset 12M $image | cmp - <(tail -c 4M a.raw)
		vhdtool read --offset 4M --length 8M $image >middle
		cmp -s middle <(tail -c +4194305 a.raw | head -c 8M) ||
			[ "$(tr -d '\0' <middle | wc -c)" = 0 ]
		vhdtool check $image
	done
	[ "$(du -k dynamic.vhdx | cut -f1)" -le $((before - 8000)) ]
}

@test "discard in a child does not show what the parent holds" {
	full
	vhdtool snapshot dynamic.vhdx c.vhdx
	head -c 8M /dev/urandom >data
	vhdtool write c.vhdx <data
	vhdtool discard --offset 0 --length 8M c.vhdx
	vhdtool read --length 8M c.vhdx >now
	! cmp -s now <(head -c 8M a.raw)
}

@test "a range that does not fit, or is not given" {
	vhdtool create --size 8M a.vhdx
	for command in zero discard; do
		status 2 vhdtool $command a.vhdx
		status 2 vhdtool $command --offset 0 a.vhdx
		status 1 vhdtool $command --offset 8M --length 512 a.vhdx
		[[ "$stderr" == *"end of the disk"* ]]
		status 1 vhdtool $command --offset 1 --length 512 a.vhdx
		[[ "$stderr" == *sector* ]]
		status 1 vhdtool $command --offset 0 --length 100 a.vhdx
		status 1 vhdtool $command --offset 18446744073709551104 \
			--length 1024 a.vhdx
		status 0 vhdtool $command --offset 8M --length 0 a.vhdx
	done
}

@test "zeroing a whole 64 TiB disk is quick and small" {
	vhdtool create --size 64T a.vhdx
	head -c 1M /dev/urandom | vhdtool write --offset 60T a.vhdx
	vhdtool zero --offset 0 --length 64T a.vhdx
	[ "$(du -k a.vhdx | cut -f1)" -lt 600000 ]
	[ "$(vhdtool read --offset 60T --length 1M a.vhdx | tr -d '\0' |
		wc -c)" = 0 ]
}
