#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# QEMU and we write the same images in turn. Left out, because QEMU does not do
# it: children, sectors of 4096 bytes.
load ../cli/helper

# both_agree IMAGE RAW: we, our check and QEMU find the content whole
both_agree() {
	vhdtool check "$1"
	vhdtool read "$1" | cmp - "$2"
	same_in_qemu "$1" "$2"
}

# change IMAGE RAW: we write, zero and give back parts of both
change() {
	yes "a piece of ours" | head -c 300032 >piece
	vhdtool write --offset $((3001 * 512)) "$1" <piece
	dd if=piece of="$2" bs=512 seek=3001 conv=notrunc status=none
	vhdtool write --offset 22M "$1" <piece
	dd if=piece of="$2" bs=1M seek=22 conv=notrunc status=none
	vhdtool zero --offset 2097152 --length 65536 "$1"
	dd if=/dev/zero of="$2" bs=64k seek=32 count=1 conv=notrunc status=none
}

@test "an image QEMU made is continued by us and read by QEMU" {
	need qemu-img
	local row image
	random_raw disk.raw
	for row in "fixed vhd" "dynamic vhd" "fixed vhdx" "dynamic vhdx"; do
		set -- $row
		image=$1.$2
		cp disk.raw model.raw
		case $2 in
		vhd) set -- "$1" vpc ",force_size=on" ;;
		esac
		qemu-img convert -f raw -O "$2" -o "subformat=$1${3:-}" \
			disk.raw "$image"
		change "$image" model.raw
		both_agree "$image" model.raw
	done
}

@test "a VHDX that QEMU left with a dirty log is continued by us" {
	need qemu-img
	corpus qimg-vhdx-killed-log-unapplied.vhdx
	mv qimg-vhdx-killed-log-unapplied.vhdx image.vhdx
	cp image.vhdx copy.vhdx # QEMU's own view of what the log says
	qemu-img check -q -r all -f vhdx copy.vhdx
	qemu-img convert -f vhdx -O raw copy.vhdx model.raw
	vhdtool info --json image.vhdx | jq -e '.log.state == "dirty"'
	change image.vhdx model.raw
	vhdtool check image.vhdx
	qemu-img check -q -f vhdx image.vhdx
	qemu-img compare -f vhdx -F raw image.vhdx model.raw
	qemu-io -f vhdx -c "write -P 0x5a 5M 1M" image.vhdx
	head -c 1M /dev/zero | tr '\0' Z |
		dd of=model.raw bs=1M seek=5 conv=notrunc status=none iflag=fullblock
	vhdtool check image.vhdx
	vhdtool compare image.vhdx model.raw
}

# -- in turn -------------------------------------------------------------------

# our_turn IMAGE RAW SECTOR COUNT N
our_turn() {
	if [ $(($5 % 3)) -eq 0 ]; then
		vhdtool zero --offset $(($3 * 512)) --length $(($4 * 512)) "$1"
		head -c $(($4 * 512)) /dev/zero >piece
	else
		yes "turn $5" | head -c $(($4 * 512)) >piece
		vhdtool write --offset $(($3 * 512)) "$1" <piece
	fi
	dd if=piece of="$2" bs=512 seek="$3" conv=notrunc status=none
}

# qemus_turn IMAGE RAW SECTOR COUNT N
qemus_turn() {
	qemu-io -f "$(qemu_name "$1")" \
		-c "write -P $5 $(($3 * 512)) $(($4 * 512))" "$1"
	head -c $(($4 * 512)) /dev/zero | tr '\0' "\\$(printf %03o "$5")" |
		dd of="$2" bs=512 seek="$3" conv=notrunc status=none
}

# ping_pong IMAGE SEED: 20 turns on an empty image of 24 MiB; each is read by the
# one whose turn it was not, the last by both
ping_pong() {
	local turn sector count
	truncate -s 24M model.raw
	RANDOM=$2
	for turn in {1..20}; do
		sector=$(((RANDOM * 32768 + RANDOM) % 48640))
		count=$((RANDOM % 512 + 1))
		echo "turn $turn: $count sectors from $sector"
		if [ $((turn % 2)) -eq 0 ]; then
			our_turn "$1" model.raw $sector $count $((turn / 2))
			same_in_qemu "$1" model.raw
		else
			qemus_turn "$1" model.raw $sector $count $turn
			vhdtool check "$1"
			vhdtool read "$1" | cmp - model.raw
		fi
	done
	both_agree "$1" model.raw
}

@test "QEMU and we in turn on a VHD of ours" {
	need qemu-img qemu-io
	vhdtool create --size 24M ours.vhd
	ping_pong ours.vhd 1
}

@test "QEMU and we in turn on a VHD of QEMU" {
	need qemu-img qemu-io
	qemu-img create -q -f vpc -o subformat=dynamic,force_size=on qemu.vhd 24M
	ping_pong qemu.vhd 2
}

@test "QEMU and we in turn on a VHDX of ours" {
	need qemu-img qemu-io
	vhdtool create --size 24M ours.vhdx
	ping_pong ours.vhdx 3
}

@test "QEMU and we in turn on a VHDX of QEMU" {
	need qemu-img qemu-io
	qemu-img create -q -f vhdx -o subformat=dynamic,block_size=1M qemu.vhdx \
		24M
	ping_pong qemu.vhdx 4
}
