#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# check --repair: what a crash can leave is mended, the content stays.
load helper

mended() { # IMAGE CODE
	local before after
	corpus "$1"
	before=$(vhdtool hash "$1" 2>/dev/null || true)
	cp "$1" original
	run -3 vhdtool check "$1"
	run -3 vhdtool check --repair --dry-run "$1"
	[[ "$output" == *"to be mended"*"[$2]"* ]]
	cmp "$1" original
	run -0 vhdtool check --repair "$1"
	[[ "$output" == *"mended"*"[$2]"* ]]
	run -0 vhdtool check "$1"
	after=$(vhdtool hash "$1")
	[ -z "$before" ] || [ "$before" = "$after" ]
	run -0 vhdtool check --repair "$1"
	[[ "$output" != *mended* ]]
}

@test "a lost footer is written again" {
	mended s-v-foot-lost.vhd footer-lost
}

@test "a torn footer is written again" {
	mended s-v-foot-torn.vhd footer-lost
}

@test "a damaged footer copy is rewritten" {
	mended s-v-copy-bad.vhd footer-copy-bad
}

@test "a damaged header is rewritten" {
	mended s-x-hdr-newest-bad.vhdx header-bad
}

@test "a damaged region table is rewritten" {
	mended s-x-reg1-bad.vhdx region-table-bad
}

@test "a log without a valid entry is discarded" {
	mended s-x-log-other-guid.vhdx log-invalid
}

@test "a dirty log is written to the file, the identity kept" {
	local before
	corpus s-x-log-one.vhdx
	before=$(vhdtool hash s-x-log-one.vhdx 2>/dev/null)
	vhdtool info --json s-x-log-one.vhdx | jq -e '."dirty-flag"'
	run -0 vhdtool check --repair s-x-log-one.vhdx
	[[ "$output" == *"[log-dirty]"* ]]
	vhdtool info --json s-x-log-one.vhdx | jq -e '."dirty-flag" | not'
	[ "$before" = "$(vhdtool hash s-x-log-one.vhdx)" ]
}

@test "damage that cannot be mended without loss is refused" {
	corpus s-x-bat-duplicate.vhdx
	cp s-x-bat-duplicate.vhdx original
	run -1 vhdtool check --repair s-x-bat-duplicate.vhdx
	cmp s-x-bat-duplicate.vhdx original
}

@test "--dry-run without --repair is a mistake" {
	fixed_vhd a.vhd
	run -2 vhdtool check --dry-run a.vhd
}
