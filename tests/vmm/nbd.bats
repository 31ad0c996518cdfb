#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The nbdkit plugin and `vhdtool serve --nbd`, driven by other people's clients.
load ../cli/helper

setup() {
	: "${VHDTOOL:?set VHDTOOL to the vhdtool to be tested}"
	cd "$BATS_TEST_TMPDIR" || return 1
	need nbdkit nbdcopy nbdinfo qemu-io
}

teardown() {
	[ ! -e pids ] || xargs -r kill <pids 2>/dev/null || true
}

# nbd ARGUMENT... --run COMMAND: a server for one command, which has ended when
# this returns (nbdkit itself does not wait for it)
nbd() {
	local pid rc=0
	nbdkit -U - -P pid "$PLUGIN" "$@" || rc=$?
	pid=$(cat pid 2>/dev/null) || true
	while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
	rm -f pid
	return "$rc"
}

# served SOCKET ARGUMENT...: a server in the background
served() {
	local socket=$1 i
	shift
	nbdkit -f -U "$socket" "$PLUGIN" "$@" 3>&- 2>"$socket.log" &
	echo $! >>pids
	for ((i = 0; i < 200; i++)); do
		[ ! -S "$socket" ] || return 0
		sleep 0.05
	done
	cat "$socket.log"
	return 1
}

# gone PID: waits for a process that was told to end
gone() {
	while kill -0 "$1" 2>/dev/null; do sleep 0.02; done
}

io() { # SOCKET COMMAND...
	local socket=$1 arguments=() command
	shift
	for command in "$@"; do arguments+=(-c "$command"); done
	qemu-io -f raw "${arguments[@]}" "nbd+unix:///?socket=$PWD/$socket"
}

clean() { # FILE: what qemu-io said
	run ! grep -i "failed\|error" "$1"
}

some_disk() { # a raw disk of 40 MiB, a third of it data
	truncate -s 40M disk.raw
	head -c 9M /dev/urandom | dd of=disk.raw bs=1M seek=3 conv=notrunc status=none
	head -c 4M /dev/urandom | dd of=disk.raw bs=1M seek=30 conv=notrunc status=none
}

@test "what is copied in comes out, holes are holes" {
	some_disk
	for format in vhd vhdx; do
		vhdtool create --size 40M a.$format
		nbd file=a.$format --run 'nbdcopy --flush disk.raw "$uri"'
		vhdtool compare a.$format disk.raw
		vhdtool check a.$format
		nbd file=a.$format --run 'nbdcopy "$uri" out'
		cmp out disk.raw
		rm out
		nbd file=a.$format --run 'nbdinfo --map --totals "$uri"' >map
		# a block of a VHD is stored as a whole
		[ "$(awk '/hole,zero/ { print $1 }' map)" -ge $((24 << 20)) ]
		# the copy is as small as ours
		vhdtool convert disk.raw b.$format
		[ "$(stat -c %b a.$format)" -le \
			$(($(stat -c %b b.$format) + 2048)) ]
		rm b.$format
	done
}

@test "what the server can do is what it says" {
	vhdtool create --size 8M --logical-sector-size 4096 a.vhdx
	nbd file=a.vhdx --run 'nbdinfo "$uri"' >info
	grep -q "export-size: 8388608" info
	grep -q "block_size_minimum: 4096" info
	for can in cache flush fua multi_conn trim zero; do
		grep -q "can_$can: true" info
	done
	grep -q "is_read_only: false" info
	nbd -r file=a.vhdx --run 'nbdinfo "$uri"' >info
	grep -q "is_read_only: true" info
}

@test "zeroes, trims and forced writes of QEMU" {
	for format in vhd vhdx; do
		vhdtool create --size 16M a.$format
		served s.$format file=a.$format
		io s.$format "write -P 7 0 8M" "write -z -u 1M 2M" \
			"write -z 4M 64k" "write -f -P 9 6M 4k" \
			"discard 5M 1M" "flush" "read -P 7 0 1M" \
			"read -P 0 1M 2M" "read -P 0 4M 64k" "read -P 9 6M 4k" \
			>out
		clean out
		io s.$format "write -P 1 512 512" "read -P 7 0 512" \
			"read -P 1 512 512" "read -P 7 1024 512" >out
		clean out
	done
}

@test "many connections at once; one sees what another wrote" {
	some_disk
	vhdtool create --size 40M a.vhdx
	served s file=a.vhdx
	nbdcopy --connections=4 --requests=16 --flush disk.raw \
		"nbd+unix:///?socket=$PWD/s"
	mkfifo in
	qemu-io -f raw "nbd+unix:///?socket=$PWD/s" <in >out 3>&- &
	exec 9>in
	echo "write -P 3 0 4k" >&9
	until grep -q "wrote 4096" out; do sleep 0.05; done
	io s "read -P 3 0 4k" flush >second 9>&-
	clean second
	exec 9>&-
	wait $!
	nbdcopy --connections=4 "nbd+unix:///?socket=$PWD/s" out.raw
	cmp --ignore-initial=4096 out.raw disk.raw
}

@test "a chain: parents are found, and never written" {
	some_disk
	mkdir golden vm
	vhdtool convert disk.raw golden/base.vhdx
	vhdtool snapshot golden/base.vhdx vm/child.vhdx
	sum=$(sha256sum <golden/base.vhdx)
	run ! nbd file=vm/child.vhdx --run true
	served s file=vm/child.vhdx parent-root="$PWD/golden"
	io s "write -P 5 3M 64k" "read -P 5 3M 64k" flush >out
	clean out
	[ "$(sha256sum <golden/base.vhdx)" = "$sum" ]
	# a parent that has its child beside it is not written by mistake
	vhdtool snapshot golden/base.vhdx golden/child.vhdx
	run ! io_direct golden/base.vhdx
	[ "$(sha256sum <golden/base.vhdx)" = "$sum" ]
}

io_direct() {
	nbd file="$1" --run 'qemu-io -f raw -c "write -P 1 0 4k" "$uri"'
}

@test "errors are said before the server goes to the background" {
	run ! nbdkit -U - "$PLUGIN" file=none.vhdx --run true
	[[ "$output" == *"none.vhdx: no such file"* ]]
	echo nonsense >bad.vhdx
	run ! nbdkit -U - "$PLUGIN" file=bad.vhdx --run true
	run ! nbdkit -U - "$PLUGIN" file=bad --run true
	[[ "$output" == *"format="* ]]
	run ! nbdkit -U - "$PLUGIN" --run true
	[[ "$output" == *"file="* ]]
	vhdtool create --size 8M a.vhdx
	run ! nbdkit -U - "$PLUGIN" file=a.vhdx format=qcow2 --run true
	run ! nbdkit -U - "$PLUGIN" file=a.vhdx nonsense=1 --run true
	[[ "$output" == *"nonsense"* ]]
}

@test "serve --nbd ends by a signal, and begins again at the same socket" {
	local signal
	vhdtool create --size 8M a.vhdx
	for signal in TERM KILL TERM; do
		"$VHDTOOL" serve --nbd s a.vhdx 3>&- &
		for ((i = 0; i < 200; i++)); do
			qemu-io -f raw -c "write -P 5 0 64k" -c flush \
				"nbd+unix:///?socket=$PWD/s" >out 2>&1 && break
			sleep 0.05
		done
		grep -q "wrote 65536" out
		kill -s "$signal" $!
		wait $! || [ "$signal" = KILL ]
	done
	status 0 vhdtool check a.vhdx
	[[ "$output" == *"no faults"* ]]
	# a file that is no socket, or one in use, is left alone
	echo precious >s2
	run ! vhdtool serve --nbd s2 a.vhdx
	[ "$(cat s2)" = precious ]
}

@test "serve --nbd goes on when the shell that started it has ended" {
	local pid
	vhdtool create --size 8M a.vhdx
	bash -c '"$1" serve --nbd s a.vhdx </dev/null >log 2>&1 3>&- &
		echo $! >pid
		until [ -S s ] && nbdinfo "nbd+unix:///?socket=$PWD/s" ||
			! kill -0 $!; do sleep 0.05; done' sh "$VHDTOOL"
	pid=$(cat pid)
	echo "$pid" >pids
	# the shell is gone; what it would have taken along has had its signal
	for _ in 1 2 3 4 5; do
		io s "write -P 5 0 64k" flush >out
		clean out
	done
	kill -TERM "$pid"
	# nobody may be there to reap it
	until ! grep -q "State:.[^Z]" "/proc/$pid/status" 2>/dev/null; do
		sleep 0.02
	done
	rm pids
	vhdtool check a.vhdx | grep "no faults"
}

@test "the image is locked while somebody is connected, and no longer" {
	vhdtool create --size 8M a.vhdx
	served s file=a.vhdx
	vhdtool write a.vhdx <<<"" || true # nobody is connected: not in use
	mkfifo in
	qemu-io -f raw "nbd+unix:///?socket=$PWD/s" <in >out 3>&- &
	exec 9>in
	echo "write -P 3 0 4k" >&9
	until grep -q "wrote 4096" out; do sleep 0.05; done
	run ! vhdtool zero --offset 0 --length 512 a.vhdx
	[[ "$output" == *"another program has the image open"* ]]
	exec 9>&-
	wait $!
	# the last one closes it in order
	for ((i = 0; i < 100; i++)); do
		vhdtool zero --offset 8k --length 512 a.vhdx 2>/dev/null && break
		sleep 0.05
	done
	[ "$i" -lt 100 ]
	status 0 vhdtool check a.vhdx
	[[ "$output" == *"no faults"* ]]
}

@test "hand-over: the second server waits for the first to let go" {
	vhdtool create --size 8M a.vhdx
	served one file=a.vhdx
	served two file=a.vhdx wait=30
	mkfifo in
	qemu-io -f raw "nbd+unix:///?socket=$PWD/one" <in >out 3>&- &
	first=$!
	exec 9>in
	echo "write -P 3 0 4k" >&9
	until grep -q "wrote 4096" out; do sleep 0.05; done
	# connected and waiting, then served with what the first wrote
	io two "read -P 3 0 4k" "write -P 4 4k 4k" flush >second 3>&- 9>&- &
	second=$!
	sleep 1
	run ! grep -q "read 4096" second
	echo "write -P 5 8k 4k" >&9
	echo "flush" >&9
	exec 9>&-
	wait $first
	wait $second
	grep -q "read 4096" second
	clean second
	io two "read -P 5 8k 4k" "read -P 4 4k 4k" >out
	clean out
}

@test "hand-over ends with an error if the other one stays" {
	vhdtool create --size 8M a.vhdx
	served one file=a.vhdx
	served two file=a.vhdx wait=1
	mkfifo in
	qemu-io -f raw "nbd+unix:///?socket=$PWD/one" <in >out 3>&- &
	exec 9>in
	echo "write -P 3 0 4k" >&9
	until grep -q "wrote 4096" out; do sleep 0.05; done
	io two "write -P 4 4k 4k" >second 2>&1 9>&- || true
	grep -qi "failed\|error" second
	grep -q "another program has the image open" two.log
	exec 9>&-
	wait $!
}

@test "kill -9 of the server: what was flushed is there, the lock is free" {
	vhdtool create --size 16M a.vhdx
	served s file=a.vhdx
	io s "write -P 3 0 1M" flush "write -P 4 2M 1M" >out 9>&- || true
	kill -KILL "$(cat pids)"
	gone "$(cat pids)"
	rm pids
	nbd file=a.vhdx --run 'qemu-io -f raw -c "read -P 3 0 1M" "$uri"' >out
	clean out
	vhdtool check a.vhdx
}

@test "serve --nbd: on a socket and on a port, until a signal" {
	some_disk
	vhdtool convert disk.raw a.vhd
	"$VHDTOOL" serve --nbd sock a.vhd 3>&- 2>log &
	pid=$!
	echo $pid >pids
	until [ -S sock ] || ! kill -0 $pid; do sleep 0.05; done
	nbdcopy "nbd+unix:///?socket=$PWD/sock" out
	cmp out disk.raw
	kill $pid
	wait $pid
	rm pids
	status 2 vhdtool serve a.vhd
	status 2 vhdtool serve --nbd s --vhost-user-blk v a.vhd
	status 1 vhdtool serve --nbd s none.vhd
	mkdir none
	status 1 env PATH="$PWD/none" "$VHDTOOL" serve --nbd s a.vhd
	[[ "$stderr" == *"install nbdkit"* ]]
}
