#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# --overlay: the image is only read.
load helper

@test "writes are seen, the image keeps its bytes, nothing is left" {
	local format before
	for format in vhdx vhd; do
		vhdtool create --size 8M a.$format
		head -c 1M /dev/urandom | vhdtool write a.$format
		before=$(sha256sum a.$format)
		mkdir -p tmp
		TMPDIR=$PWD/tmp mounted a.$format --overlay
		[ -z "$(ls tmp)" ]
		printf changed | dd of=d/disk conv=notrunc status=none
		[ "$(head -c 7 d/disk)" = changed ]
		[ "$(head -c 7 d/layers/1 | sha256sum)" = \
			"$(vhdtool read --length 512 a.$format | head -c 7 | sha256sum)" ]
		unmounted
		[ "$before" = "$(sha256sum a.$format)" ]
	done
	[ "$(ls)" = "$(printf '%s\n' a.vhd a.vhdx d fs tmp)" ]
}

@test "two overlays of one image at once" {
	vhdtool create --size 8M a.vhdx
	mkdir e
	mounted a.vhdx --overlay
	vhdtool mount --overlay a.vhdx e
	printf one | dd of=d/disk conv=notrunc status=none
	printf two | dd of=e/disk conv=notrunc status=none
	[ "$(head -c 3 d/disk)" = one ]
	[ "$(head -c 3 e/disk)" = two ]
	unmounted
	vhdtool umount e
}

@test "a child that is kept is an image, and is continued" {
	vhdtool create --size 8M a.vhdx
	mounted a.vhdx --overlay --keep c.avhdx
	printf one | dd of=d/disk conv=notrunc status=none
	unmounted
	status 0 vhdtool check --chain c.avhdx
	mounted a.vhdx --overlay --keep c.avhdx
	[ "$(head -c 3 d/disk)" = one ]
	printf 2 | dd of=d/disk conv=notrunc status=none
	unmounted
	[ "$(vhdtool read --length 512 c.avhdx | head -c 3)" = 2ne ]
}

@test "a raw disk has no children" {
	truncate -s 1M a.raw
	status 1 vhdtool mount --overlay a.raw d
	[[ "$stderr" == *"no differencing child"* ]]
}
