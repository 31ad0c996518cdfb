#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# A conversion with --resume that is interrupted goes on where it was.
load helper

MIB=1048576

setup_file() {
	head -c $((96 * MIB)) /dev/urandom >"$BATS_FILE_TMPDIR/big.raw"
}

# the only names in the folder of the output are those given
only() {
	diff <(ls -A out) <(printf '%s\n' "$@" | sed '/^$/d')
}

# held FORMAT: bytes of content that the partial file holds
held() {
	vhdtool convert --force --quiet -f "$1" out/b.$1.partial held.raw
	du -B1 held.raw | cut -f1
}

# interrupt SIGNAL FORMAT: a conversion that is stopped in the middle. With
# one job nothing is written while a flush is under way, so that half of the
# bytes are never written before the first flush has ended.
interrupt() {
	local turn rc
	[ -r /proc/self/io ] || skip "no /proc/PID/io here"
	ln -sf "$BATS_FILE_TMPDIR/big.raw" big.raw
	mkdir -p out
	for ((turn = 0; turn < 10; turn++)); do
		rm -f out/*
		"$VHDTOOL" convert --resume --jobs 1 \
			--reflink never big.raw out/b.$2 2>err 3>&- &
		has_written $! $((50 * MIB))
		kill -$1 $! || true
		rc=0
		wait $! || rc=$?
		# too late, or before anything was flushed: once more
		if [ $rc != 0 ] && [ "$(held $2)" -gt $((16 * MIB)) ]; then
			only b.$2.partial
			return
		fi
	done
	echo "never interrupted in the middle"
	return 1
}

# go_on FORMAT: the same command again, which writes only what is missing
go_on() {
	local missing written
	missing=$((96 * MIB - $(held $1)))
	# what a shell's children wrote counts as its own
	written=$(bash -c '"$VHDTOOL" convert --quiet --resume \
		--reflink never big.raw "$1" || exit
		sed -n "s/^wchar: //p" /proc/$$/io' - out/b.$1)
	echo "$missing bytes were missing, $written written"
	# half a MiB for tables and log
	[ "$written" -ge "$missing" ]
	[ "$written" -le $((missing + MIB / 2)) ]
	only b.$1
	vhdtool compare out/b.$1 big.raw
	vhdtool check out/b.$1
	same_in_qemu out/b.$1 "$BATS_FILE_TMPDIR/big.raw"
}

@test "kill -9, then the same command again: raw" {
	interrupt KILL raw
	go_on raw
}

@test "kill -9, then the same command again: VHD" {
	interrupt KILL vhd
	go_on vhd
}

@test "kill -9, then the same command again: VHDX" {
	interrupt KILL vhdx
	go_on vhdx
}

@test "SIGINT: exit 1 with a hint, the partial file is clean, then on" {
	for format in raw vhd vhdx; do
		interrupt INT $format
		[[ "$(cat err)" == *canceled*hint:*"same command"* ]]
		vhdtool check -f $format out/b.$format.partial
		go_on $format
	done
}

@test "no space: what fits is kept, with space it goes on" {
	ln -s "$BATS_FILE_TMPDIR/big.raw" big.raw
	mkdir out
	for format in raw vhd vhdx; do
		for options in "--type fixed" "--type dynamic"; do
			[ $format != raw ] || options=
			# a limit on the size of files does what a full disk would
			run -1 bash -c 'trap "" XFSZ; ulimit -f 81920
				"$VHDTOOL" convert --resume --reflink never '"$options"' \
					big.raw out/b.'$format
			if [ "$options" = "--type dynamic" ]; then
				[[ "$output" == *hint:*"same command"* ]]
				only b.$format.partial
			else # it does not fit as a whole
				only ""
			fi
			status 0 vhdtool convert --resume --verify $options big.raw \
				out/b.$format
			only b.$format
			vhdtool compare out/b.$format big.raw
			vhdtool check out/b.$format
			rm out/*
		done
	done
}

@test "a child goes on too" {
	ln -s "$BATS_FILE_TMPDIR/big.raw" big.raw
	mkdir out
	for format in vhd vhdx; do
		truncate -s 96M a.raw
		head -c 3M big.raw | dd of=a.raw conv=notrunc status=none
		vhdtool convert a.raw out/p.$format
		run -1 bash -c 'trap "" XFSZ; ulimit -f 81920
			"$VHDTOOL" convert --resume --parent out/p.'$format' \
				big.raw out/b.'$format
		only b.$format.partial p.$format
		status 0 vhdtool convert --resume --verify \
			--parent out/p.$format big.raw out/b.$format
		only b.$format p.$format
		vhdtool compare out/b.$format big.raw
		vhdtool check --chain out/b.$format
		rm out/*
	done
}

# begun FORMAT [OPTION...]: a partial file of 8 MiB that is as good as done
begun() {
	local format=$1
	shift
	rm -rf out
	mkdir out
	[ -e small.raw ] || random_raw small.raw
	vhdtool convert -O $format "$@" small.raw out/b.$format.partial
	cp out/b.$format.partial before
}

# other WHAT FORMAT [OPTION...]: refused for that reason, nothing changed
other() {
	local what=$1 format=$2
	shift 2
	status 1 vhdtool convert --resume "$@" small.raw out/b.$format
	[[ "$stderr" == *"b.$format.partial: "*"$what"*hint:*"remove it"* ]]
	only b.$format.partial
	cmp out/b.$format.partial before
}

@test "a partial file of other options is refused and left alone" {
	local block=1M
	for format in vhdx vhd; do
		begun $format
		other type $format --type fixed
		other "block size" $format --block-size $block
		block=512K
		other id $format --id 12345678-1234-1234-1234-123456789abc
		other reserve $format --reserve 1T
		other allocation $format --preallocate
		truncate -s +1M small.raw
		other size $format
		truncate -s -1M small.raw
		begun $format --type fixed
		other type $format
	done
	other creator vhd --azure
	begun vhdx
	other "physical sector size" vhdx --physical-sector-size 512
	begun raw
	truncate -s +1M small.raw
	other size raw
}

@test "a partial file of another format or of another parent is refused" {
	begun vhdx
	mv out/b.vhdx.partial out/b.vhd.partial
	other "" vhd
	begun vhd
	mv out/b.vhd.partial out/b.raw.partial
	other size raw
	for format in vhd vhdx; do
		vhdtool convert small.raw p.$format
		vhdtool convert small.raw q.$format
		begun $format --parent p.$format
		other parent $format --parent q.$format
		other type $format
		begun $format
		other type $format --parent q.$format
	done
}

@test "the source may have changed: the result is what it holds now" {
	for format in raw vhd vhdx; do
		begun $format
		cp small.raw new.raw
		dd if=/dev/urandom of=new.raw bs=512 seek=9000 count=700 \
			conv=notrunc status=none
		fallocate -p -o 10485760 -l 1M new.raw
		dd if=/dev/zero of=new.raw bs=512 seek=4095 count=1 \
			conv=notrunc status=none
		status 0 vhdtool convert --resume --verify new.raw out/b.$format
		[ -z "$output$stderr" ]
		only b.$format
		vhdtool compare out/b.$format new.raw
		vhdtool check out/b.$format
	done
}

@test "flushed now and then, and not at all without --resume" {
	need_strace
	ln -s "$BATS_FILE_TMPDIR/big.raw" big.raw
	for format in raw vhd vhdx; do
		traced -f -e trace=fdatasync "$VHDTOOL" convert \
			--reflink never big.raw plain.$format
		! grep -q 'fdatasync(' trace
		traced -f -e trace=fdatasync "$VHDTOOL" convert \
			--resume --reflink never big.raw kept.$format
		[ "$(grep -c 'fdatasync(' trace)" -ge 3 ]
	done
}

@test "two at once: the second is refused, the first completes" {
	[ -r /proc/self/io ] || skip "no /proc/PID/io here"
	ln -s "$BATS_FILE_TMPDIR/big.raw" big.raw
	mkdir out
	"$VHDTOOL" convert --resume --reflink never big.raw out/b.vhdx 3>&- &
	has_written $! $((10 * MIB))
	kill -STOP $! || true
	status 1 vhdtool convert --resume big.raw out/b.vhdx
	# unless the first was done before it could be stopped
	[[ "$stderr" == *"another program"* ]] || [ -e out/b.vhdx ]
	kill -CONT $! || true
	wait $!
	only b.vhdx
	vhdtool compare out/b.vhdx big.raw
}

@test "--force keeps the old output until the new one is complete" {
	begun vhd
	truncate -s 1M out/b.vhd.partial
	printf precious >out/b.vhd
	status 1 vhdtool convert --resume small.raw out/b.vhd
	status 1 vhdtool convert --resume --force small.raw out/b.vhd
	[ "$(cat out/b.vhd)" = precious ]
	rm out/b.vhd.partial
	status 0 vhdtool convert --resume --force small.raw out/b.vhd
	only b.vhd
	vhdtool compare out/b.vhd small.raw
}

@test "a partial name that is the source, a link or a folder is refused" {
	begun vhd
	run -1 vhdtool convert --resume --force-share -f vhd \
		out/b.vhd.partial out/b.vhd
	[[ "$output" == *source* ]]
	cmp out/b.vhd.partial before
	mv out/b.vhd.partial elsewhere
	ln -s ../elsewhere out/b.vhd.partial
	run -1 vhdtool convert --resume small.raw out/b.vhd
	[[ "$output" == *link* ]]
	cmp elsewhere before
	rm out/b.vhd.partial
	mkdir out/b.vhd.partial
	status 1 vhdtool convert --resume small.raw out/b.vhd
	only b.vhd.partial
}

@test "streams cannot be continued: exit 2" {
	random_raw a.raw
	run -2 vhdtool convert --resume -O raw a.raw -
	run -2 vhdtool convert --resume --gzip a.raw b.raw.gz
	[[ "$output" == *--resume* ]]
	[ ! -e b.raw.gz ]
	cat a.raw | vhdtool convert --resume - b.vhdx
	vhdtool compare b.vhdx a.raw
}
