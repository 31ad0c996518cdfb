#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

@test "sha256 of the content, as sha256sum prints it" {
	fixed_vhd a.vhd
	want=$(sha256sum <a.vhd.content)
	status 0 vhdtool hash a.vhd
	[ "$output" = "${want%% *}  a.vhd" ]
}

@test "several algorithms in one pass" {
	fixed_vhd a.vhd
	status 0 vhdtool hash --algorithm sha256 --algorithm md5 a.vhd
	[ "${lines[0]}" = "SHA256 (a.vhd) = $(sha256sum <a.vhd.content |
		cut -d' ' -f1)" ]
	[ "${lines[1]}" = "MD5 (a.vhd) = $(md5sum <a.vhd.content |
		cut -d' ' -f1)" ]
}

@test "json" {
	sparse_raw a.raw
	vhdx a.vhdx a.raw
	json=$(vhdtool hash --json --algorithm sha1 --algorithm sha512 a.vhdx)
	has_keys "$json" virtual-size hashes
	jq -e '."virtual-size" == 16777216' <<<"$json"
	[ "$(jq -r .hashes.sha1 <<<"$json")" = \
		"$(sha1sum <a.raw | cut -d' ' -f1)" ]
	[ "$(jq -r .hashes.sha512 <<<"$json")" = \
		"$(sha512sum <a.raw | cut -d' ' -f1)" ]
}

@test "an unknown algorithm: exit 2, named" {
	fixed_vhd a.vhd
	status 2 vhdtool hash --algorithm rot13 a.vhd
	[[ "$stderr" == *rot13* ]]
	[ -z "$output" ]
}

@test "--file-too hashes the files of the chain" {
	corpus fatt-parent.vhd fatt-child.vhd
	json=$(vhdtool hash --json --file-too fatt-child.vhd)
	jq -e '.files | length == 2 and all(.[]; .unchanged)' <<<"$json"
	[ "$(jq -r '.files[0].hashes.sha256' <<<"$json")" = \
		"$(sha256sum <fatt-child.vhd | cut -d' ' -f1)" ]
	[ "$(jq -r '.files[1].hashes.sha256' <<<"$json")" = \
		"$(sha256sum <fatt-parent.vhd | cut -d' ' -f1)" ]
	status 0 vhdtool hash --file-too fatt-child.vhd
	[[ "${lines[1]}" == *"[file, unchanged]" ]]
}

@test "--layer differs from the chain" {
	corpus fatt-parent.vhd fatt-child.vhd
	[ "$(vhdtool hash fatt-child.vhd)" != \
		"$(vhdtool hash --layer fatt-child.vhd)" ]
}

@test "stdout that is full is an error" {
	fixed_vhd a.vhd
	run -1 bash -c '"$VHDTOOL" hash a.vhd >/dev/full'
	run -1 bash -c '"$VHDTOOL" hash --json a.vhd >/dev/full'
}
