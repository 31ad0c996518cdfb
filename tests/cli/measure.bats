#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

# measured KEY ARGUMENTS
measured() {
	local key=$1
	shift
	vhdtool measure --json "$@" | jq ".\"$key\""
}

@test "required is what convert writes" {
	random_raw a.raw
	for format in raw vhd vhdx; do
		for type in auto fixed; do
			[ $format != raw ] || [ $type = auto ] || continue
			options=
			[ $type = auto ] || options="--type $type"
			rm -f b.$format
			vhdtool convert $options a.raw b.$format
			[ "$(measured required $options -O $format a.raw)" = \
				"$(stat -c %s b.$format)" ]
		done
	done
	vhdtool convert --block-size 8M a.raw c.vhdx
	[ "$(measured required --block-size 8M -O vhdx a.raw)" = \
		"$(stat -c %s c.vhdx)" ]
}

@test "fully-allocated is what a full disk needs" {
	head -c 24M /dev/urandom >full.raw
	truncate -s 24M empty.raw
	for format in raw vhd vhdx; do
		vhdtool convert full.raw b.$format
		[ "$(measured fully-allocated -O $format empty.raw)" = \
			"$(stat -c %s b.$format)" ]
	done
}

@test "text has both figures" {
	truncate -s 8M a.raw
	status 0 vhdtool measure -O vhdx a.raw
	[[ "${lines[0]}" =~ ^required\ size:\ [0-9]+$ ]]
	[[ "${lines[1]}" =~ ^fully\ allocated\ size:\ [0-9]+$ ]]
}

@test "without -O, with a bad option, without a source" {
	truncate -s 8M a.raw
	status 2 vhdtool measure a.raw
	status 2 vhdtool measure -O vhdx --block-size 3M a.raw
	status 2 vhdtool measure -O raw --type fixed a.raw
	status 1 vhdtool measure -O vhdx absent.raw
	[ -z "$output" ]
}
