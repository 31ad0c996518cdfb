#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

@test "the whole disk into a pipe, a file and a socket-like sink" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	vhdtool read a.vhdx | cmp - a.raw
	vhdtool read a.vhdx >copy
	cmp copy a.raw
	vhdtool read a.vhdx >/dev/null
}

@test "appending output" {
	fixed_vhd a.vhd
	printf before >copy
	vhdtool read a.vhd >>copy
	(printf before && cat a.vhd.content) | cmp - copy
}

@test "any offset and length" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	for range in "0 1" "2097151 2" "2097153 1048575" "3145700 100" \
		"16777213 3" "16777216 0" "0 16777216"; do
		set -- $range
		vhdtool read --offset "$1" --length "$2" a.vhdx >out
		tail -c +$(($1 + 1)) a.raw | head -c "$2" | cmp - out
	done
}

@test "fixed VHD: the footer is not part of the disk" {
	fixed_vhd a.vhd
	vhdtool read a.vhd | cmp - a.vhd.content
}

@test "through a chain, and one layer alone" {
	corpus fatt-parent.vhd fatt-child.vhd
	want=$(awk -F'\t' '$1 == "fatt-child.vhd.xz" { print $7 }' \
		"$CORPUS/MANIFEST.tsv")
	[ "$(vhdtool read fatt-child.vhd | sha256sum | cut -d' ' -f1)" = "$want" ]
	[ "$(vhdtool read --layer fatt-child.vhd | sha256sum |
		cut -d' ' -f1)" != "$want" ]
}

@test "a dirty log is replayed" {
	corpus real-win10-dirty-log.vhdx
	want=$(awk -F'\t' '$1 == "real-win10-dirty-log.vhdx.xz" { print $7 }' \
		"$CORPUS/MANIFEST.tsv")
	status 0 bash -c '"$VHDTOOL" read real-win10-dirty-log.vhdx | sha256sum'
	[ "${output%% *}" = "$want" ]
	[[ "$stderr" == *"warning: VHDX log"* ]]
}

@test "past the end: exit 1, nothing written" {
	fixed_vhd a.vhd
	for range in "--offset 1048577" "--length 1048577" \
		"--offset 1048576 --length 1" \
		"--offset 18446744073709551615 --length 18446744073709551615"; do
		status 1 vhdtool read $range a.vhd
		[ -z "$output" ]
		[[ "$stderr" == *"end of the disk"* ]]
	done
}

@test "a full device is an error that is told" {
	fixed_vhd a.vhd
	run -1 bash -c '"$VHDTOOL" read a.vhd >/dev/full'
	[[ "$output" == *"No space left"* ]]
}

@test "a reader that goes away is no noise" {
	sparse_raw a.raw
	run -0 bash -c 'set -o pipefail
		{ "$VHDTOOL" read a.raw; echo $? >rc; } | head -c 1 >/dev/null'
	[ -z "$output" ]
	[ "$(cat rc)" = 1 ]
}

@test "a closed stdout is an error" {
	fixed_vhd a.vhd
	run -1 bash -c '"$VHDTOOL" read a.vhd >&-'
}

@test "a slow reader on a non-blocking pipe gets everything" {
	need python3
	sparse_raw a.raw
	python3 - "$VHDTOOL" <<-'END'
	import os, subprocess, sys
	r, w = os.pipe()
	os.set_blocking(w, False)
	p = subprocess.Popen([sys.argv[1], "read", "a.raw"], stdout=w)
	os.close(w)
	with os.fdopen(r, "rb") as f:
	    got = f.read()
	assert p.wait() == 0
	assert got == open("a.raw", "rb").read()
	END
}

@test "standard input, if it is a file" {
	fixed_vhd a.vhd
	vhdtool read -f vhd - <a.vhd | cmp - a.vhd.content
	run -1 bash -c 'cat a.vhd | "$VHDTOOL" read -f vhd -'
}
