#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
load helper

# kinds: an image of each kind, 24 MiB, with the content of a.raw
kinds() {
	random_raw a.raw
	for type in fixed dynamic; do
		for format in vhd vhdx; do
			vhdtool convert --type $type a.raw $type.$format
		done
	done
	cp a.raw plain.raw
	images="fixed.vhd dynamic.vhd fixed.vhdx dynamic.vhdx plain.raw"
}

# put OFFSET LENGTH: random bytes as `piece`, also into a.raw
put() {
	head -c "$2" /dev/urandom >piece
	dd if=piece of=a.raw bs=512 seek=$(($1 / 512)) conv=notrunc status=none
}

@test "writes land where they should, in each kind of image" {
	kinds
	for range in "0 512" "2096640 1024" "5242880 4194304" "25165312 512"; do
		set -- $range
		put $1 $2
		for image in $images; do
			status 0 vhdtool write --offset $1 $image <piece
			[ -z "$output$stderr" ]
		done
	done
	for image in $images; do
		vhdtool compare $image a.raw
		vhdtool check $image
	done
}

@test "QEMU reads what was written" {
	kinds
	put 1048576 9437184
	for image in $images; do
		vhdtool write --offset 1M $image <piece
		same_in_qemu $image a.raw
	done
}

@test "we and QEMU write in turn" {
	need qemu-io
	truncate -s 64M a.raw
	for image in a.vhd a.vhdx; do
		vhdtool create --size 64M $image
		truncate -s 0 a.raw
		truncate -s 64M a.raw
		for turn in 1 2 3 4 5 6; do
			at=$((turn * 7654400))
			put $at $((turn * 200192))
			if [ $((turn % 2)) = 0 ]; then
				vhdtool write --offset $at $image <piece
			else
				qemu-io -f "$(qemu_name $image)" \
					-c "write -q -s piece $at $(stat \
						-c %s piece)" $image
			fi
		done
		vhdtool compare $image a.raw
		vhdtool check $image
	done
}

@test "a long stream through a pipe, --length takes a part of it" {
	vhdtool create --size 64M a.vhdx
	head -c 20M /dev/urandom >data
	cat data | vhdtool write --offset 3M a.vhdx
	vhdtool read --offset 3M --length 20M a.vhdx | cmp - data
	cat data | vhdtool write --offset 30M --length 1M a.vhdx
	vhdtool read --offset 30M --length 1M a.vhdx | cmp - <(head -c 1M data)
	[ "$(vhdtool read --offset 31M --length 512 a.vhdx | tr -d '\0' |
		wc -c)" = 0 ]
}

@test "a file that goes on from where it stands" {
	vhdtool create --size 8M a.vhdx
	head -c 1M /dev/urandom >data
	(dd bs=512 count=1 of=/dev/null status=none
	vhdtool write --length 1024 a.vhdx) <data
	vhdtool read --length 1024 a.vhdx | cmp - <(tail -c +513 data |
		head -c 1024)
}

# refused WANT-TEXT ARGUMENTS: exit 1 with that text, the image as it was
refused() {
	local want=$1
	shift
	cp a.vhdx before.vhdx
	run --separate-stderr -1 bash -c "$*"
	[[ "$stderr" == *"$want"* ]]
	[ -z "$output" ]
	vhdtool compare a.vhdx before.vhdx
	vhdtool check a.vhdx
}

@test "what does not fit is refused before anything is written" {
	random_raw a.raw
	vhdtool convert a.raw a.vhdx
	head -c 1M /dev/urandom >data
	head -c 1000 /dev/urandom >odd
	refused "end of the disk" '"$VHDTOOL" write --offset 24M a.vhdx <data'
	refused "end of the disk" \
		'"$VHDTOOL" write --offset 25165312 a.vhdx <data'
	refused "end of the disk" \
		'cat data | "$VHDTOOL" write --offset 25165312 a.vhdx'
	refused "sector" '"$VHDTOOL" write --offset 100 a.vhdx <data'
	refused "sector" '"$VHDTOOL" write a.vhdx <odd'
	refused "sector" 'cat odd | "$VHDTOOL" write a.vhdx'
	refused "sector" '"$VHDTOOL" write --length 1000 a.vhdx <data'
	refused "--length" '"$VHDTOOL" write --length 2M a.vhdx <data'
	refused "--length" 'cat data | "$VHDTOOL" write --length 2M a.vhdx'
	refused "end of the disk" \
		'"$VHDTOOL" write --length 25M a.vhdx </dev/zero'
}

@test "a sector has 4096 bytes where the image says so" {
	vhdtool create --size 8M --logical-sector-size 4096 a.vhdx
	refused "sector" 'head -c 4096 /dev/zero |
		"$VHDTOOL" write --offset 512 a.vhdx'
	refused "sector" 'head -c 512 /dev/zero | "$VHDTOOL" write a.vhdx'
	head -c 8192 /dev/urandom >data
	status 0 vhdtool write --offset 4096 a.vhdx <data
	vhdtool read --offset 4096 --length 8192 a.vhdx | cmp - data
}

@test "a stream past the end says how much was written" {
	vhdtool create --size 8M a.vhdx
	head -c 9M /dev/urandom >data
	run -1 bash -c 'cat data | "$VHDTOOL" write a.vhdx'
	[[ "$output" == *"end of the disk"*"bytes were written"* ]]
	count=$(grep -o '[0-9]* bytes were' <<<"$output" | cut -d' ' -f1)
	vhdtool read --length "$count" a.vhdx | cmp - <(head -c "$count" data)
	vhdtool check a.vhdx
}

@test "nothing to write is done at once" {
	vhdtool create --size 8M a.vhdx
	status 0 vhdtool write a.vhdx </dev/null
	status 2 vhdtool write a.bin </dev/null
}

@test "--force-share is not for writing" {
	vhdtool create --size 8M a.vhdx
	status 2 vhdtool write --force-share a.vhdx </dev/null
	status 2 vhdtool zero --force-share --offset 0 --length 512 a.vhdx
	status 2 vhdtool log --replay --force-share a.vhdx
}

@test "a file we may not write: exit 1, unchanged" {
	[ "$(id -u)" -ne 0 ] || skip "root may write everything"
	vhdtool create --size 8M a.vhdx
	chmod 444 a.vhdx
	status 1 vhdtool write a.vhdx </dev/zero
	status 1 vhdtool zero --offset 0 --length 512 a.vhdx
}

@test "a closed standard input is an error" {
	vhdtool create --size 8M a.vhdx
	run -1 bash -c '"$VHDTOOL" write a.vhdx <&-'
}

@test "no space on the host: exit 1, what was there is there" {
	random_raw a.raw
	for image in a.vhd a.vhdx; do
		vhdtool convert a.raw $image
		limit=$(($(stat -c %s $image) / 1024 + 512))
		run -1 bash -c 'trap "" XFSZ; ulimit -f '$limit'
			head -c 12M /dev/zero | tr "\0" x |
			"$VHDTOOL" write --offset 10485760 --length 10M '$image
		[ -n "$output" ]
		vhdtool read --length 2097152 $image |
			cmp - <(head -c 2097152 a.raw)
		rc=0
		vhdtool check $image || rc=$?
		[ $rc = 0 ] || [ $rc = 4 ]
	done
}
