#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

@test "--replay applies a dirty log: same content, clean log" {
	for image in real-win10-dirty-log.vhdx \
		qimg-vhdx-killed-log-unapplied.vhdx; do
		corpus $image
		want=$(vhdtool hash $image 2>/dev/null | cut -d' ' -f1)
		entries=$(vhdtool log --json $image | jq '."active-entries"')
		status 0 vhdtool log --replay $image
		[[ "$output" == *"replayed $entries "* ]]
		[ "$(vhdtool log --json $image | jq -r .verdict)" = clean ]
		status 0 vhdtool hash $image
		[ "${output%% *}" = "$want" ]
		[ -z "$stderr" ]
		vhdtool check $image
		! command -v qemu-img >/dev/null ||
			qemu-img check -q -f vhdx $image
	done
}

@test "--replay of a clean log says so and changes nothing" {
	vhdtool create --size 8M a.vhdx
	cp a.vhdx before
	status 0 vhdtool log --replay a.vhdx
	[[ "$output" == *clean* ]]
	cmp a.vhdx before
}

@test "--replay --json" {
	corpus real-win10-dirty-log.vhdx
	status 0 vhdtool log --replay --json real-win10-dirty-log.vhdx
	jq -e '.verdict == "clean" and ."replayed-entries" > 0' <<<"$output"
	status 0 vhdtool log --replay --json real-win10-dirty-log.vhdx
	jq -e '."replayed-entries" == 0' <<<"$output"
}

@test "--replay of what has no log, or an invalid one: exit 1, unchanged" {
	fixed_vhd a.vhd
	status 1 vhdtool log --replay a.vhd
	corpus s-x-log-other-guid.vhdx
	cp s-x-log-other-guid.vhdx before
	status 1 vhdtool log --replay s-x-log-other-guid.vhdx
	cmp s-x-log-other-guid.vhdx before
}
