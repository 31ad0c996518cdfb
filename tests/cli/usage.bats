#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The conventions that all commands share: help, version, options, exit code 2.
load helper

COMMANDS="create snapshot info chain map measure convert compare hash read write
	zero discard check resize log dump attach detach"

@test "no arguments: short usage on stderr, exit 2" {
	status 2 vhdtool
	[ -z "$output" ]
	[[ "$stderr" == *Usage:* ]]
}

@test "--version prints name and number" {
	status 0 vhdtool --version
	[[ "$output" =~ ^vhdtool\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "--help lists every command" {
	status 0 vhdtool --help
	for command in $COMMANDS; do
		[[ "$output" == *"  $command "* ]]
	done
}

@test "each command's --help has usage, options, two examples, exit codes" {
	for command in $COMMANDS; do
		status 0 vhdtool $command --help
		[[ "$output" == *"Usage: vhdtool $command"* ]]
		[[ "$output" == *"Options:"* ]]
		[[ "$output" == *"Exit status:"* ]]
		[ "$(grep -c "^  vhdtool $command" <<<"$output")" -ge 2 ]
		[ -z "$stderr" ]
	done
}

@test "help fits in 80 columns" {
	for command in $COMMANDS; do
		vhdtool $command --help >help
		[ "$(wc -L <help)" -le 80 ] || {
			echo "$command: $(wc -L <help)"
			false
		}
	done
}

@test "unknown command: exit 2 with a hint" {
	status 2 vhdtool frobnicate
	[[ "${stderr_lines[0]}" == "vhdtool: unknown command frobnicate" ]]
	[[ "${stderr_lines[1]}" == hint:* ]]
}

@test "unknown option: exit 2 with a hint" {
	status 2 vhdtool info --frobnicate disk.vhd
	[[ "$stderr" == *--frobnicate*hint:* ]]
	status 2 vhdtool info -Z disk.vhd
	[[ "$stderr" == *-Z*hint:* ]]
}

@test "options are not abbreviated, so new ones break no script" {
	fixed_vhd a.vhd
	status 2 vhdtool info --js a.vhd
}

@test "missing and surplus arguments: exit 2" {
	status 2 vhdtool info
	status 2 vhdtool info a.vhd b.vhd
	status 2 vhdtool convert a.vhd
	status 2 vhdtool compare a.vhd
	status 2 vhdtool create --size 1M
	status 2 vhdtool snapshot a.vhd
	status 2 vhdtool write
	status 2 vhdtool measure -O vhd
}

@test "an option without its value: exit 2" {
	status 2 vhdtool info a.vhd -f
	status 2 vhdtool read a.vhd --offset
}

@test "a flag with a value: exit 2" {
	status 2 vhdtool info --json=yes a.vhd
}

@test "values that are none of the choices: exit 2" {
	status 2 vhdtool info -f qcow2 a.vhd
	status 2 vhdtool convert --reflink perhaps a.vhd b.raw
	status 2 vhdtool convert --progress bars a.vhd b.raw
	status 2 vhdtool convert -j many a.vhd b.raw
}

@test "options may stand before and after the arguments" {
	fixed_vhd a.vhd
	vhdtool info --json a.vhd >before
	vhdtool info a.vhd --json >after
	cmp before after
}

@test "values: --opt VALUE, --opt=VALUE, -o VALUE, -oVALUE" {
	fixed_vhd a.vhd
	for form in "--format vhd" "--format=vhd" "-f vhd" "-fvhd"; do
		status 0 vhdtool info $form a.vhd
	done
}

@test "-- ends options" {
	fixed_vhd a.vhd
	mv a.vhd ./--json
	mv ./--json ./-x.vhd
	status 0 vhdtool info -- -x.vhd
	[[ "$output" == *-x.vhd* ]]
	status 2 vhdtool info -x.vhd
}

@test "an extension that tells no format: exit 2, unless -f does" {
	fixed_vhd a.vhd
	mv a.vhd a.bin
	for command in map read hash; do
		status 2 vhdtool $command a.bin
		[[ "$stderr" == *a.bin*hint:*-f* ]]
	done
	status 2 vhdtool convert a.bin b.raw
	status 0 vhdtool hash -f vhd a.bin
}

@test "extensions count in either case" {
	fixed_vhd a.VHD
	status 0 vhdtool hash a.VHD
}

@test "a file that does not exist: exit 1, named" {
	for command in info chain map read hash check dump; do
		status 1 vhdtool $command absent.vhd
		[[ "$stderr" == "vhdtool: absent.vhd: "* ]]
		[ -z "$output" ]
	done
}

@test "a folder, a FIFO and an empty file are refused, not waited for" {
	mkdir folder.vhd
	mkfifo fifo.vhd
	: >empty.vhd
	for file in folder.vhd fifo.vhd empty.vhd; do
		status 1 vhdtool info $file
		status 1 vhdtool read $file
		status 1 vhdtool check $file
		[ -n "$stderr" ]
	done
}

@test "content that contradicts the extension is refused, with a hint" {
	fixed_vhd a.vhd
	mv a.vhd a.vhdx
	status 1 vhdtool read a.vhdx
	[[ "$stderr" == *hint:*"-f vhd"* ]]
	[ -z "$output" ]
}

@test "control characters of a path do not reach the terminal" {
	name=$'evil\e[31m\rname.vhd'
	status 1 vhdtool info "$name"
	[[ "$stderr" != *$'\e'* ]]
	[[ "$stderr" == *'\x1b'* ]]
	fixed_vhd "$name"
	vhdtool info "$name" >out
	run ! grep -q $'[\e\r]' out
	vhdtool info --json "$name" >out.json
	[ "$(jq -r .filename out.json)" = "$name" ]
}

@test "a path that is no UTF-8 still gives valid JSON" {
	name=$'caf\xe9.vhd'
	fixed_vhd "$name"
	vhdtool info --json "$name" | jq -e '.filename == "caf\\xe9.vhd"'
}

@test "vhd-vhost-user-blk --help names each request of its manual" {
	local daemon name manual
	daemon=$(dirname "$VHDTOOL")/vhd-vhost-user-blk
	manual=$BATS_TEST_DIRNAME/../../docs/vhost-user-blk.md
	[ -x "$daemon" ] || skip "no vhd-vhost-user-blk here"
	"$daemon" --help >help
	grep -o '^| `{"command":"[a-z]*"' "$manual" | cut -d'"' -f4 >names
	[ "$(wc -l <names)" -ge 8 ]
	while read -r name; do
		grep -F "{\"command\":\"$name\"" help
	done <names
	run ! grep -E '^.{81}' help
}
