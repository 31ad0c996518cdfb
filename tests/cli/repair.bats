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
	run -0 vhdtool check --repair --dry-run "$1"
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

@test "damage that cannot be mended without loss stays as it is" {
	corpus s-x-bat-duplicate.vhdx
	cp s-x-bat-duplicate.vhdx original
	run -3 vhdtool check --repair s-x-bat-duplicate.vhdx
	[[ "$output" == *"[bat-overlap, --repair=salvage]"* ]]
	cmp s-x-bat-duplicate.vhdx original
}

@test "--dry-run without --repair is a mistake" {
	fixed_vhd a.vhd
	run -2 vhdtool check --dry-run a.vhd
}

@test "--repair takes its value attached, or none" {
	fixed_vhd a.vhd
	run -0 vhdtool check --repair a.vhd
	run -0 vhdtool check --repair=salvage a.vhd
	run -2 vhdtool check --repair=all a.vhd
	run -2 vhdtool check --repair salvage a.vhd
}

@test "what makes no sense together is a mistake" {
	fixed_vhd a.vhd
	run -2 vhdtool check --backup undo a.vhd
	run -2 vhdtool check --repair --force a.vhd
	run -2 vhdtool check --repair --size 1M a.vhd
	run -2 vhdtool check --repair --restore undo a.vhd
}

# salvaged IMAGE CODE: a salvage mends it, and a second one nothing
salvaged() {
	corpus "$1"
	cp "$1" original
	run -0 vhdtool check --repair=salvage --dry-run "$1"
	[[ "$output" == *"to be mended"*"[$2]"* ]]
	cmp "$1" original
	run -0 vhdtool check --repair=salvage "$1"
	[[ "$output" == *"mended"*"[$2]"* ]]
	run -0 vhdtool check "$1"
	run -0 vhdtool hash "$1"
	run -0 vhdtool check --repair=salvage "$1"
	[[ "$output" != *mended* ]]
}

@test "salvage gives blocks that share space a place each" {
	salvaged s-x-bat-duplicate.vhdx bat-overlap
	salvaged s-v-batentry-duplicate.vhd bat-overlap
}

@test "salvage clears an entry behind the file and says what is lost" {
	salvaged s-x-bat-past-eof.vhdx bat-entry
	corpus s-v-batentry-past-eof.vhd
	run -0 vhdtool check --repair=salvage s-v-batentry-past-eof.vhd
	[[ "$output" == *"disk bytes 2097152 to 4194303 [bat-entry]"* ]]
	corpus s-v-batentry-past-eof.vhd
	run -0 vhdtool check --json --repair=salvage s-v-batentry-past-eof.vhd
	jq -e '.faults == [] and .repairs[0].start == 2097152 and
		.repairs[0].length == 2097152' <<<"$output"
}

@test "salvage rebuilds a dynamic header that the table proves" {
	salvaged s-v-dynhdr-bad-sum.vhd corrupt
}

@test "salvage of a VHD without footers needs its size" {
	corpus s-v-both-footers-bad.vhd
	cp s-v-both-footers-bad.vhd original
	status 1 vhdtool check --repair=salvage s-v-both-footers-bad.vhd
	[[ "$stderr" == *"hint: "*"--size SIZE"* ]]
	cmp s-v-both-footers-bad.vhd original
	run -0 vhdtool check --repair=salvage --size 4M s-v-both-footers-bad.vhd
	run -0 vhdtool check s-v-both-footers-bad.vhd
	vhdtool info --json s-v-both-footers-bad.vhd |
		jq -e '."virtual-size" == 4194304'
}

@test "a backup gives back every byte" {
	corpus s-v-batentry-duplicate.vhd
	cp s-v-batentry-duplicate.vhd original
	run -0 vhdtool check --repair=salvage --backup undo \
		s-v-batentry-duplicate.vhd
	run -1 cmp s-v-batentry-duplicate.vhd original
	run -0 vhdtool check --restore undo s-v-batentry-duplicate.vhd
	cmp s-v-batentry-duplicate.vhd original
}

@test "a backup is never replaced without --force, nor made for nothing" {
	corpus s-v-copy-bad.vhd
	cp s-v-copy-bad.vhd original
	echo precious >undo
	status 1 vhdtool check --repair --backup undo s-v-copy-bad.vhd
	[[ "$stderr" == *"undo: the file exists"*"--force"* ]]
	cmp s-v-copy-bad.vhd original
	[ "$(cat undo)" = precious ]
	run -0 vhdtool check --repair --backup undo --force s-v-copy-bad.vhd
	rm undo
	before=$(ls -A)
	run -0 vhdtool check --repair --backup undo s-v-copy-bad.vhd
	[ "$(ls -A)" = "$before" ]
}

@test "a backup is not the image itself" {
	corpus s-v-copy-bad.vhd
	cp s-v-copy-bad.vhd original
	run -1 vhdtool check --repair --force --backup ./s-v-copy-bad.vhd \
		s-v-copy-bad.vhd
	cmp s-v-copy-bad.vhd original
}

@test "a backup of another image is refused" {
	corpus s-v-batentry-duplicate.vhd s-x-bat-duplicate.vhdx
	vhdtool create other.vhdx --size 4M
	vhdtool create other.vhd --size 4M
	for image in s-v-batentry-duplicate.vhd s-x-bat-duplicate.vhdx; do
		cp $image original
		cp $image twin
		vhdtool check --repair=salvage --backup $image.undo $image
		for other in other.vhd other.vhdx; do
			cp $other before
			status 1 vhdtool check --restore $image.undo $other
			[[ "$stderr" == *"$image.undo: "*"another image"* ]]
			cmp $other before
		done
		# what was not changed yet, or was moved, is the same image
		run -0 vhdtool check -f ${image##*.} --restore $image.undo twin
		cmp twin original
		cp $image elsewhere
		run -0 vhdtool check -f ${image##*.} --restore $image.undo \
			elsewhere
		cmp elsewhere original
	done
}

@test "an image that was used after its repair is not restored" {
	corpus s-v-batentry-duplicate.vhd s-x-bat-duplicate.vhdx
	for image in s-v-batentry-duplicate.vhd s-x-bat-duplicate.vhdx; do
		cp $image original
		vhdtool check --repair=salvage --backup $image.undo $image
		cp $image repaired
		head -c 1M /dev/urandom | vhdtool write $image
		cp $image written
		status 1 vhdtool check --restore $image.undo $image
		[[ "$stderr" == *"$image.undo: "*"written since"* ]]
		cmp $image written
		cp repaired $image
		run -0 vhdtool check --restore $image.undo $image
		cmp $image original
	done
}

@test "a damaged backup restores nothing" {
	corpus s-v-batentry-duplicate.vhd
	vhdtool check --repair=salvage --backup undo s-v-batentry-duplicate.vhd
	cp s-v-batentry-duplicate.vhd repaired
	printf x | dd of=undo bs=1 seek=70 conv=notrunc status=none
	status 1 vhdtool check --restore undo s-v-batentry-duplicate.vhd
	[[ "$stderr" == *"undo: "*"damaged"* ]]
	status 1 vhdtool check --restore repaired s-v-batentry-duplicate.vhd
	[[ "$stderr" == *"repaired: "*"vhdundo1"* ]]
	status 1 vhdtool check --restore nothing s-v-batentry-duplicate.vhd
	[[ "$stderr" == *"nothing: "* ]]
	cmp s-v-batentry-duplicate.vhd repaired
}

@test "a dry run exits as a real one would" {
	corpus s-v-foot-lost.vhd s-x-bat-past-eof.vhdx
	run -0 vhdtool check --repair --dry-run s-v-foot-lost.vhd
	run -3 vhdtool check --repair --dry-run s-x-bat-past-eof.vhdx
	run -0 vhdtool check --repair=salvage --dry-run s-x-bat-past-eof.vhdx
	corpus fatt-child.vhd
	run -3 vhdtool check --repair --dry-run fatt-child.vhd
	[[ "$output" == *"[parent-missing]"* ]]
}

@test "a file that may not be written is refused" {
	[ "$(id -u)" != 0 ] || skip "root may write everything"
	corpus s-v-copy-bad.vhd
	chmod a-w s-v-copy-bad.vhd
	status 1 vhdtool check --repair s-v-copy-bad.vhd
	[[ "$stderr" == *"s-v-copy-bad.vhd: "* ]]
}

@test "a VHD of a suspended machine is refused, with a hint" {
	fixed_vhd a.vhd
	suspend a.vhd
	cp a.vhd original
	status 1 vhdtool check --repair a.vhd
	[[ "$stderr" == *"hint: end the suspended virtual machine first"* ]]
	cmp a.vhd original
}
