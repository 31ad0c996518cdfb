#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Conversions whose output is an image.
load helper

only() {
	diff <(ls -A out) <(printf '%s\n' "$@" | sed '/^$/d')
}

@test "every format and type into every other, content the same" {
	random_raw a.raw
	sources="a.raw"
	for type in fixed dynamic; do
		for format in vhd vhdx; do
			status 0 vhdtool convert --type $type a.raw $type.$format
			[ -z "$output$stderr" ]
			same_in_qemu $type.$format a.raw
			sources+=" $type.$format"
		done
	done
	for source in $sources; do
		for format in raw vhd vhdx; do
			rm -f to.$format
			vhdtool convert $source to.$format
			vhdtool compare to.$format a.raw
			vhdtool check to.$format
		done
	done
}

@test "7-Zip reads the content too" {
	need 7z
	random_raw a.raw
	vhdtool convert a.raw a.vhd
	vhdtool convert a.raw a.vhdx
	for image in a.vhd a.vhdx; do
		7z x -so $image >out 2>/dev/null || skip "7z cannot"
		cmp out a.raw
	done
}

@test "block size, sectors, id and time are as asked for" {
	random_raw a.raw
	vhdtool convert --block-size 8M --logical-sector-size 4096 \
		--physical-sector-size 4096 a.raw a.vhdx
	vhdtool info --json a.vhdx | jq -e '."block-size" == 8388608 and
		."logical-sector-size" == 4096'
	vhdtool compare a.vhdx a.raw
	for n in 1 2; do
		vhdtool convert --id 12345678-9abc-4def-8123-456789abcdef \
			--timestamp 1700000000 -j 1 a.raw $n.vhd
	done
	cmp 1.vhd 2.vhd
}

@test "zeros take no space" {
	truncate -s 8G a.raw
	for format in vhd vhdx; do
		vhdtool convert a.raw a.$format
		[ "$(stat -c %s a.$format)" -lt 8388608 ]
	done
	head -c 16M /dev/zero >stored.raw
	vhdtool convert stored.raw stored.vhd
	[ "$(stat -c %s stored.vhd)" -lt 65536 ]
}

@test "--azure makes a fixed VHD of whole MiB" {
	truncate -s 3000K a.raw
	vhdtool convert --azure a.raw a.vhd
	[ "$(stat -c %s a.vhd)" = $((3145728 + 512)) ]
	vhdtool compare a.vhd a.raw
}

@test "--parent stores only what differs" {
	random_raw a.raw
	cp a.raw b.raw
	head -c 4096 /dev/urandom | dd of=b.raw bs=512 seek=9000 conv=notrunc \
		status=none
	# what is zero now hides what the parent holds
	dd if=/dev/zero of=b.raw bs=512 seek=20480 count=4096 conv=notrunc \
		status=none
	for format in vhd vhdx; do
		vhdtool convert a.raw p.$format
		cp p.$format before
		status 0 vhdtool convert --parent p.$format b.raw c.$format
		cmp p.$format before
		vhdtool compare c.$format b.raw
		vhdtool check --chain c.$format
		vhdtool info --json c.$format | jq -e '.type == "differencing" and
			."chain-length" == 2 and ."allocated-blocks" <= 3'
		vhdtool convert --parent p.$format a.raw same.$format
		vhdtool info --json same.$format |
			jq -e '."allocated-blocks" == 0'
	done
}

@test "the parent of the source is named by --source-parent" {
	random_raw a.raw
	mkdir near
	vhdtool convert a.raw p.vhd
	vhdtool create --parent p.vhd near/c.vhd
	status 1 vhdtool convert near/c.vhd b.vhdx
	status 0 vhdtool convert --source-parent p.vhd near/c.vhd b.vhdx
	vhdtool compare b.vhdx a.raw
}

@test "a chain is flattened, --layer takes one" {
	random_raw a.raw
	vhdtool convert a.raw p.vhdx
	vhdtool snapshot p.vhdx c.vhdx
	head -c 1M /dev/urandom | vhdtool write --offset 2M c.vhdx
	vhdtool convert c.vhdx all.vhd
	vhdtool compare all.vhd c.vhdx
	vhdtool convert --layer c.vhdx one.vhd
	status 3 vhdtool compare one.vhd c.vhdx
}

@test "--verify and -j" {
	random_raw a.raw
	status 0 vhdtool convert --verify -j 4 a.raw a.vhdx
	status 0 vhdtool convert --verify -j 1 --reflink never a.raw a.vhd
	vhdtool compare a.vhdx a.vhd
}

@test "an existing output is refused, and replaced with --force" {
	random_raw a.raw
	mkdir out
	printf precious >out/a.vhdx
	status 1 vhdtool convert a.raw out/a.vhdx
	[[ "$stderr" == "vhdtool: out/a.vhdx: "*hint:*--force* ]]
	[ "$(cat out/a.vhdx)" = precious ]
	status 0 vhdtool convert --force a.raw out/a.vhdx
	vhdtool compare out/a.vhdx a.raw
	only a.vhdx
}

@test "the output cannot be the source or a parent" {
	random_raw a.raw
	vhdtool convert a.raw p.vhd
	vhdtool snapshot p.vhd c.vhd
	cp p.vhd before
	status 1 vhdtool convert --force c.vhd p.vhd
	status 1 vhdtool convert --force p.vhd p.vhd
	status 1 vhdtool convert --force --parent p.vhd a.raw p.vhd
	cmp p.vhd before
}

@test "options that do not fit the output: exit 2, nothing written" {
	random_raw a.raw
	mkdir out
	status 2 vhdtool convert --type fixed a.raw out/b.raw
	status 2 vhdtool convert --parent a.vhd a.raw out/b.raw
	status 2 vhdtool convert --block-size 3M a.raw out/b.vhdx
	status 2 vhdtool convert --type differencing a.raw out/b.vhdx
	status 2 vhdtool convert --gzip a.raw out/b.vhdx
	status 2 vhdtool convert -O vhdx a.raw -
	only ""
}

@test "a raw disk of no whole sectors is refused with advice" {
	printf odd >a.raw
	status 1 vhdtool convert a.raw a.vhdx
	[[ "$stderr" == *a.raw*sectors*hint:* ]]
	[ ! -e a.vhdx ]
}

@test "a source larger than the format can hold" {
	truncate -s 3T a.raw || skip "no such large files here"
	mkdir out
	status 2 vhdtool convert a.raw out/a.vhd
	[[ "$stderr" == *"2040 GiB"* ]]
	only ""
}

@test "no space for the output: exit 1, no debris" {
	head -c 8M /dev/urandom >a.raw
	mkdir out
	for format in vhd vhdx; do
		run -1 bash -c 'trap "" XFSZ; ulimit -f 5000
			"$VHDTOOL" convert --reflink never a.raw out/b.'$format
		[ -n "$output" ]
		only ""
	done
}

@test "--verify with --parent" {
	random_raw a.raw
	for format in vhd vhdx; do
		vhdtool convert a.raw base.$format
		vhdtool snapshot base.$format middle.$format
		cp a.raw b.raw
		dd if=/dev/urandom of=b.raw bs=512 seek=8195 count=9 \
			conv=notrunc status=none
		status 0 vhdtool convert --verify --parent middle.$format \
			b.raw child.$format
		[ -z "$output$stderr" ]
		vhdtool compare child.$format b.raw
	done
}

@test "--verify notices a write that did not arrive, with and without --parent" {
	need_strace
	truncate -s 8M a.raw
	vhdtool convert a.raw base.vhdx
	yes lost | head -c 4096 | dd of=a.raw bs=4096 seek=700 conv=notrunc \
		status=none
	mkdir out
	for options in "" "--parent base.vhdx"; do
		traced -e trace=pwrite64 "$VHDTOOL" convert -j1 \
			--reflink never $options a.raw good.vhdx
		turn=$(grep -n -m1 lost trace | cut -d: -f1)
		length=$(sed -n "${turn}s/.*= //p" trace)
		run -1 traced -e trace=pwrite64 \
			-e inject=pwrite64:retval=$length:when=$turn \
			"$VHDTOOL" convert --verify -j1 --reflink never \
			$options a.raw out/bad.vhdx
		[[ "$output" == *"does not read back"* ]]
		only ""
		rm good.vhdx
	done
}
