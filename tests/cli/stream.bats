#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Sources that can be read only once: pipes and compressed files.
load helper

@test "raw from a pipe to every format" {
	random_raw a.raw
	for format in raw vhd vhdx; do
		run --separate-stderr -0 bash -c \
			'cat a.raw | "$VHDTOOL" convert - b.'$format
		[ -z "$output$stderr" ]
		vhdtool compare b.$format a.raw
	done
}

@test "an image from a pipe" {
	random_raw a.raw
	vhdtool convert a.raw a.vhdx
	cat a.vhdx | vhdtool convert -f vhdx - b.vhd
	vhdtool compare b.vhd a.raw
}

@test "from a pipe to a pipe" {
	random_raw a.raw
	cat a.raw | vhdtool convert - - | cmp - a.raw
}

@test "standard input that is a file" {
	random_raw a.raw
	vhdtool convert - b.vhdx <a.raw
	vhdtool compare b.vhdx a.raw
}

@test "zeros in a pipe take no space on their way" {
	need strace
	# a leak checker does not work under strace
	head -c 64M /dev/zero | ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=pwrite64 -o trace \
		"$VHDTOOL" convert - a.vhdx
	[ "$(du -k a.vhdx | cut -f1)" -lt 8192 ]
	# only tables are written
	[ "$(awk '/pwrite64/ { sum += $NF } END { print sum + 0 }' trace)" \
		-lt 4194304 ]
}

@test "only what differs from a parent, from a pipe" {
	random_raw a.raw
	vhdtool convert a.raw p.vhdx
	head -c 4096 /dev/urandom | dd of=a.raw bs=512 seek=300 conv=notrunc \
		status=none
	cat a.raw | vhdtool convert --parent p.vhdx - c.vhdx
	vhdtool compare c.vhdx a.raw
	vhdtool info --json c.vhdx | jq -e '."allocated-blocks" == 1'
}

@test "a compressed raw disk, by name and from a pipe" {
	need gzip
	random_raw a.raw
	gzip -k a.raw
	for format in raw vhd vhdx; do
		vhdtool convert a.raw.gz b.$format
		vhdtool compare b.$format a.raw
	done
	vhdtool convert --gzip - c.vhdx <a.raw.gz
	cat a.raw.gz | vhdtool convert --gzip - d.vhdx
	vhdtool compare c.vhdx a.raw
	vhdtool compare d.vhdx a.raw
}

@test "compressed to compressed, and members one behind the other" {
	need gzip
	random_raw a.raw
	(head -c 1M a.raw | gzip && tail -c +1048577 a.raw | gzip) >a.raw.gz
	vhdtool convert --gzip a.raw.gz b.raw.gz
	gzip -dc b.raw.gz | cmp - a.raw
	vhdtool convert --gzip a.raw.gz c.raw
	cmp c.raw a.raw
}

@test "damaged, short and uncompressed input: exit 1, nothing written" {
	need gzip
	random_raw a.raw
	gzip -k a.raw
	mkdir out
	head -c 100000 a.raw.gz >short.raw.gz
	cp a.raw.gz bad.raw.gz
	printf xxxxxxxx | dd of=bad.raw.gz bs=1 seek=50000 conv=notrunc \
		status=none
	cp a.raw plain.raw.gz
	for file in short bad plain absent; do
		status 1 vhdtool convert $file.raw.gz out/b.vhdx
		[[ "$stderr" == "vhdtool: $file.raw.gz: "* ]]
		[ -z "$(ls -A out)" ]
	done
}

@test "an existing output is refused before the pipe is read" {
	printf precious >b.vhdx
	run -1 bash -c 'yes | "$VHDTOOL" convert - b.vhdx'
	[[ "$output" == *"exists"* ]]
	[ "$(cat b.vhdx)" = precious ]
}

@test "a stream of no whole sectors, and an empty one" {
	mkdir out
	run -1 bash -c 'printf odd | "$VHDTOOL" convert - out/a.vhdx'
	run ! bash -c 'printf "" | "$VHDTOOL" convert - out/a.vhdx'
	[ -z "$(ls -A out)" ]
}

@test "SIGINT while waiting for a pipe: exit 1, no debris" {
	[ -r /proc/self/io ] || skip "no /proc/PID/io here"
	mkdir out
	mkfifo pipe
	"$VHDTOOL" convert - out/b.vhdx <pipe 2>err 3>&- &
	pid=$!
	exec 9>pipe
	head -c 1M /dev/urandom >&9
	has_read $pid 1048576
	kill -INT $pid
	exec 9>&-
	rc=0
	wait $pid || rc=$?
	[ $rc = 1 ]
	[ -s err ]
	[ -z "$(ls -A out)" ]
}
