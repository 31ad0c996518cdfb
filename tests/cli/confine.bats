#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What an image could do that has taken over the parser: INTRUDER is loaded into
# our programs, and tries things whenever they read a file (intruder.c).
load helper

setup() {
	: "${VHDTOOL:?set VHDTOOL to the vhdtool to be tested}"
	[ -e "$INTRUDER" ] || skip "a build with sanitizers is not shut in"
	[ "$(landlock)" -ge 4 ] || skip "this kernel has no Landlock, or an old one"
	mkdir "$BATS_TEST_TMPDIR/images" "$BATS_TEST_TMPDIR/elsewhere"
	cd "$BATS_TEST_TMPDIR/images" || return 1
	"$VHDTOOL" create --size 8M base.vhdx
	head -c 65536 /dev/urandom | "$VHDTOOL" write --offset 1M base.vhdx
	"$VHDTOOL" snapshot base.vhdx leaf.avhdx
	echo >beside
	echo >../elsewhere/file
	export INTRUDER_BESIDE=$PWD/beside
	export INTRUDER_ELSEWHERE=$BATS_TEST_TMPDIR/elsewhere/file
	export INTRUDER_IMAGE=$PWD/leaf.avhdx
}

# the version of the kernel's Landlock; connections are known to 4 and later
landlock() {
	need python3
	python3 -c 'import ctypes
print(ctypes.CDLL(None).syscall(444, None, 0, 1))'
}

# intruded PROGRAM ARGUMENT...: what was tried is in the file `tried`
intruded() {
	LD_PRELOAD=$INTRUDER "$@" >out 2>all
	grep -E '^[0-9]+ [a-z-]+ (done|refused)$' all >tried
}

# done_are NAME...: these, and no others, were done at some time
done_are() {
	local wanted
	wanted=$(printf '%s\n' "$@" | sort)
	[ "$(awk '$3 == "done" { print $2 }' tried | sort -u)" = "$wanted" ] ||
		{ cat all && false; }
}

# at_last NAME RESULT: of the last attempt
at_last() {
	[ "$(awk -v n="$1" '$2 == n { r = $3 } END { print r }' tried)" = "$2" ]
}

@test "without our precautions it would do all of it" {
	intruded "$VHDTOOL" convert --quiet leaf.avhdx ../elsewhere/a.raw
	done_are read-elsewhere read-beside change-beside change-image make \
		remove connect start give-away look
}

@test "commands that read: nothing elsewhere, and once all is open nothing" {
	local command
	for command in info "info --chain --json" chain map "map --json" hash \
		"measure -O vhd" read dump "dump --json" log; do
		# shellcheck disable=SC2086 # words
		intruded "$VHDTOOL" $command leaf.avhdx
		grep -q '^1 read-elsewhere refused' tried
		! grep -v ' read-beside ' tried | grep done
		at_last read-beside refused
	done
	intruded "$VHDTOOL" compare leaf.avhdx base.vhdx
	done_are read-beside
	at_last read-beside refused
}

@test "check and hash --file-too open files all the time, to read" {
	intruded "$VHDTOOL" check --chain leaf.avhdx
	done_are read-beside
	intruded "$VHDTOOL" hash --file-too leaf.avhdx
	done_are read-beside
}

@test "map --svg FILE may write in the folder of FILE" {
	intruded "$VHDTOOL" map --svg ../elsewhere/map.svg leaf.avhdx
	[ -s ../elsewhere/map.svg ]
	! grep -E '(change|make|remove) done' tried
}

@test "an image elsewhere, reached by a link, has its parents there" {
	ln -s ../images/leaf.avhdx ../elsewhere/link.avhdx
	cd ../elsewhere
	"$VHDTOOL" read --offset 1M --length 4096 link.avhdx >a
	"$VHDTOOL" read --offset 1M --length 4096 ../images/base.vhdx >b
	cmp a b
}

@test "parents below a root that is named" {
	mkdir ../roots
	mv base.vhdx ../roots
	status 1 vhdtool read --length 512 leaf.avhdx
	vhdtool read --length 512 --parent ../roots/base.vhdx leaf.avhdx >a
	[ "$(stat -c %s a)" = 512 ]
}

# its socket tells that the image is open; then it is ended
@test "serve: vhost-user-blk changes its image, and nothing else" {
	LD_PRELOAD=$INTRUDER vub leaf.avhdx 2>all &
	pid=$!
	until [ -S ../elsewhere/socket ] || ! kill -0 $pid; do sleep 0.1; done
	# a front end finds all that it needs
	front=${VHDTOOL%/*}/bench_vhost
	[ ! -x "$front" ] || "$front" read ../elsewhere/socket 10 1 1 sleep
	kill $pid
	wait $pid || { cat all && false; }
	[ ! -e ../elsewhere/socket ]
	grep -E '^[0-9]+ [a-z-]+ (done|refused)$' all >tried
	done_are read-beside change-image
}

vub() {
	exec "${VHDTOOL%/*}/vhd-vhost-user-blk" --socket ../elsewhere/socket \
		"$@"
}

@test "serve: nbdkit changes its image, and nothing else" {
	command -v nbdkit >/dev/null && [ -e "$PLUGIN" ] || skip "no nbdkit"
	LD_PRELOAD=$INTRUDER nbdkit -f -U ../elsewhere/socket "$PLUGIN" \
		leaf.avhdx confine=true 3>&- 2>all &
	pid=$!
	until [ -S ../elsewhere/socket ] || ! kill -0 $pid; do sleep 0.1; done
	for ((i = 0; i < 100; i++)); do
		! grep -q 'give-away' all || break
		sleep 0.1
	done
	kill $pid
	wait $pid
	grep -E '^[0-9]+ [a-z-]+ (done|refused)$' all >tried
	done_are read-beside change-image
}

@test "serve --nbd asks for it" {
	need nbdkit nbdinfo strace
	strace -o /dev/null true || skip "strace may not trace here"
	[ -e "$PLUGIN" ] || skip "no plugin"
	strace -f -o trace -e trace=landlock_restrict_self,execve \
		"$VHDTOOL" serve --nbd ../elsewhere/socket leaf.avhdx 3>&- &
	pid=$!
	for ((i = 0; i < 100; i++)); do
		! nbdinfo --size "nbd+unix:///?socket=$PWD/../elsewhere/socket" \
			>size 2>/dev/null || break
		sleep 0.1
	done
	pkill -P $pid nbdkit || kill $pid
	wait $pid || true
	[ "$(cat size)" = 8388608 ]
	grep -q 'landlock_restrict_self.* = 0' trace
}
