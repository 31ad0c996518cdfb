#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What maintenance does not touch: images of a suspended machine, files that may
# not be written, what XenServer's block map (batmap) would not survive.
load helper

teardown() {
	chattr -i ./* 2>/dev/null || true
	umount here 2>/dev/null || true
}

# family FORMAT: base, child and other, a second parent for the child
family() {
	local name
	for name in base other; do
		vhdtool create $name.$1 --size 12M
		head -c 3M /dev/urandom | vhdtool write $name.$1
	done
	vhdtool snapshot base.$1 child.$1
	head -c 64K /dev/urandom | vhdtool write --offset 8M child.$1
}

state() {
	sha256sum ./*.vhd*
	stat -c '%n %s %y' ./*.vhd*
}

# unchanged COMMAND...: fails, and no file is another one
unchanged() {
	local before
	before=$(state)
	status 1 "$@"
	[ "$(state)" = "$before" ]
	[ -z "$(find . -name '*part*' -o -name '*merged*')" ]
}

# suspended IMAGE COMMAND...: refused for that reason
suspended() {
	local image=$1
	shift
	cp "$image" saved
	suspend "$image"
	unchanged vhdtool "$@"
	[[ "$stderr" == *suspended*"hint: end the suspended virtual machine"* ]]
	mv saved "$image"
}

@test "a VHD of a suspended machine is not merged, from wherever in the chain" {
	family vhd
	vhdtool snapshot child.vhd grandchild.vhd
	for image in base.vhd child.vhd grandchild.vhd; do
		suspended $image merge grandchild.vhd --into base.vhd --delete
	done
	vhdtool merge --quiet grandchild.vhd --into base.vhd
}

@test "nor changed in any other way" {
	family vhd
	head -c 64K /dev/urandom >new
	suspended child.vhd compact child.vhd
	suspended child.vhd trim child.vhd
	suspended child.vhd resize child.vhd 24M
	suspended child.vhd resize --force child.vhd 4M
	suspended child.vhd rebase child.vhd --parent other.vhd
	suspended child.vhd rebase --unsafe child.vhd --parent other.vhd
	suspended child.vhd set child.vhd --parent-path other.vhd
	suspended child.vhd zero child.vhd --offset 0 --length 1M
	suspended child.vhd discard child.vhd --offset 0 --length 1M
	suspended child.vhd check --repair child.vhd
	suspended child.vhd check --repair=salvage child.vhd
	vhdtool rebase --quiet child.vhd --parent other.vhd
}

# immutable: nobody may write the images here, not even root
immutable() {
	if [ "$(id -u)" != 0 ]; then
		chmod a-w ./*.vhd*
	elif ! chattr +i ./*.vhd* 2>/dev/null; then
		mkdir here
		mv ./*.vhd* here
		mount --bind here here 2>/dev/null &&
			mount -o remount,bind,ro here 2>/dev/null ||
			skip "root may write everything here"
		cd here || return
	fi
}

writable() {
	cd "$BATS_TEST_TMPDIR" || return
	chattr -i ./*.vhd* 2>/dev/null || true
	! umount here 2>/dev/null || mv here/* .
	chmod u+w ./*.vhd*
}

@test "files that may not be written stay as they are" {
	for format in vhd vhdx; do
		family $format
		immutable
		unchanged vhdtool merge child.$format
		[[ "$stderr" == *".$format: "* ]]
		unchanged vhdtool merge --delete child.$format
		unchanged vhdtool compact child.$format
		[[ "$stderr" == *"child.$format: "* ]]
		unchanged vhdtool resize child.$format 24M
		unchanged vhdtool resize --force child.$format 4M
		unchanged vhdtool rebase child.$format --parent other.$format
		unchanged vhdtool rebase --unsafe child.$format \
			--parent other.$format
		unchanged vhdtool set child.$format \
			--parent-path other.$format
		unchanged vhdtool check --repair child.$format
		vhdtool check --chain child.$format
		writable
		vhdtool merge --quiet child.$format
		rm ./*.$format
	done
}

@test "of files that may not be written, damage is not mended either" {
	corpus s-v-copy-bad.vhd s-x-hdr-newest-bad.vhdx
	immutable
	for image in s-v-copy-bad.vhd s-x-hdr-newest-bad.vhdx; do
		unchanged vhdtool check --repair $image
		[[ "$stderr" == *"$image: "* ]]
		unchanged vhdtool check --repair=salvage $image
	done
}

# batmap FILE: the 1024 bytes of header and map that XenServer left in it
batmap() {
	local at
	at=$(grep -abo tdbatmap "$1" | head -n 1 | cut -d: -f1)
	dd if="$1" bs=512 skip=$((at / 512)) count=2 status=none
}

@test "an image with XenServer's block map is compacted, its blocks stay" {
	corpus real-xenserver-xapi-empty.vhd
	mv real-xenserver-xapi-empty.vhd xen.vhd
	batmap xen.vhd >before
	head -c 12M /dev/urandom | vhdtool write xen.vhd
	vhdtool zero xen.vhd --offset 2M --length 4M
	vhdtool hash xen.vhd >hashes
	status 0 vhdtool compact --quiet xen.vhd
	vhdtool hash xen.vhd | diff - hashes
	vhdtool info --json xen.vhd | jq -e '."allocated-blocks" == 6'
	cmp before <(batmap xen.vhd)
	vhdtool check xen.vhd
}

@test "it does not shrink, nor grow past its table" {
	corpus real-xenserver-xapi-empty.vhd
	mv real-xenserver-xapi-empty.vhd xen.vhd
	head -c 4M /dev/urandom | vhdtool write xen.vhd
	unchanged vhdtool resize --force xen.vhd 20M
	[[ "$stderr" == *batmap*"only grow"* ]]
	unchanged vhdtool resize xen.vhd 400G
	[[ "$stderr" == *batmap*table*grow* ]]
	vhdtool check xen.vhd
}

@test "a child is merged into it, and rebased from and to it" {
	corpus real-xenserver-xapi-empty.vhd
	mv real-xenserver-xapi-empty.vhd xen.vhd
	head -c 4M /dev/urandom | vhdtool write xen.vhd
	vhdtool create other.vhd --size 40M
	vhdtool snapshot xen.vhd child.vhd
	head -c 4M /dev/urandom | vhdtool write child.vhd --offset 3M
	vhdtool hash child.vhd >hashes
	batmap xen.vhd >before
	vhdtool rebase --quiet child.vhd --parent other.vhd
	vhdtool hash child.vhd | diff - hashes
	vhdtool rebase --quiet child.vhd --parent xen.vhd
	vhdtool hash child.vhd | diff - hashes
	status 0 vhdtool merge --quiet --delete child.vhd
	vhdtool hash xen.vhd | sed s/xen/child/ | diff - hashes
	cmp before <(batmap xen.vhd)
	vhdtool check xen.vhd
}
