#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Names of parents that lead where they should not. `convert` is asked: it is
# not shut in (confine.bats), so that only the search for parents protects.
load helper

setup() {
	: "${VHDTOOL:?set VHDTOOL to the vhdtool to be tested}"
	need python3 timeout
	mkdir "$BATS_TEST_TMPDIR/images" "$BATS_TEST_TMPDIR/secret"
	cd "$BATS_TEST_TMPDIR/images" || return 1
	"$VHDTOOL" create --size 4M parent.vhd
	"$VHDTOOL" snapshot parent.vhd leaf.vhd
	# the very parent, but elsewhere, and with something to find in it
	cp parent.vhd ../secret/secret.vhd
	yes SECRET | head -c 65536 |
		"$VHDTOOL" write --ignore-children ../secret/secret.vhd
}

relocate() {
	python3 "$BATS_TEST_DIRNAME/relocate.py" "$@"
}

# refused NAME: a leaf that wants this is refused, soon, and the file is not
# touched
refused() {
	relocate leaf.vhd "$1"
	rm -f out.raw parent.vhd
	status 1 timeout 20 "$VHDTOOL" convert leaf.vhd out.raw </dev/zero ||
		{ echo "$1" && false; }
	[ ! -e out.raw ]
}

@test "the name is what is asked for" {
	mv parent.vhd other.vhd
	status 1 vhdtool convert leaf.vhd out.raw
	relocate leaf.vhd other.vhd
	status 0 vhdtool convert leaf.vhd out.raw
}

@test "out of the folder, by words" {
	local secret=$BATS_TEST_TMPDIR/secret/secret.vhd
	refused ../secret/secret.vhd
	refused '..\secret\secret.vhd'
	refused 'x/../../secret/secret.vhd'
	refused './/..//secret/secret.vhd'
	refused "file:///..$secret"
	refused "file://$secret"
	refused "$secret"
	# the name alone would do, were the file in a folder that is allowed
	status 0 vhdtool convert --parent-root ../secret leaf.vhd out.raw
}

@test "out of the folder, by links" {
	ln -s ../secret/secret.vhd link.vhd
	refused link.vhd
	ln -s ../secret down
	refused down/secret.vhd
	ln -s down/secret.vhd twice.vhd
	refused twice.vhd
	ln -s "$BATS_TEST_TMPDIR/secret/secret.vhd" absolute.vhd
	refused absolute.vhd
	ln -s round.vhd round.vhd
	refused round.vhd
}

@test "what is no file" {
	mkfifo pipe.vhd
	refused pipe.vhd
	mkdir folder.vhd
	refused folder.vhd
	refused .
	refused ''
	refused /dev/zero
	refused /dev/stdin
	refused /proc/self/fd/0
	refused /proc/self/environ
	refused /proc/self/root/etc/passwd
	if [ "$(id -u)" = 0 ] && mknod device.vhd c 1 5 2>/dev/null; then
		refused device.vhd
	fi
}

@test "names of other systems" {
	refused '\\server\share\secret.vhd'
	refused '//server/share/secret.vhd'
	refused '\\?\C:\secret.vhd'
	refused '\\.\PhysicalDrive0'
	refused 'C:\secret.vhd:stream'
	refused 'http://server/secret.vhd'
	refused 'file://server/secret.vhd'
	refused "$(printf 'a\nb\033[2J.vhd')"
	refused "$(printf '%0300d' 0)"
	[[ "$stderr" != *$'\033'* ]]
}

@test "a name with a NUL in it" {
	relocate leaf.vhd "$(printf 'parent.vhd@../secret/secret.vhd')"
	python3 - <<-'END'
		data = open("leaf.vhd", "r+b").read()
		for text in "utf-16-be", "utf-16-le":
		    data = data.replace("@".encode(text), b"\0\0")
		open("leaf.vhd", "wb").write(data)
	END
	rm parent.vhd
	status 1 vhdtool convert leaf.vhd out.raw
}

@test "itself, two in a ring, three in a ring" {
	refused leaf.vhd
	cp leaf.vhd b.vhd
	cp leaf.vhd c.vhd
	relocate leaf.vhd leaf.vhd 1 1
	status 1 timeout 20 "$VHDTOOL" convert leaf.vhd out.raw
	[[ "$stderr" == *itself* ]]
	relocate leaf.vhd b.vhd 1 2
	relocate b.vhd leaf.vhd 2 1
	status 1 timeout 20 "$VHDTOOL" convert leaf.vhd out.raw
	[[ "$stderr" == *itself* ]]
	relocate b.vhd c.vhd 2 3
	relocate c.vhd leaf.vhd 3 1
	status 1 timeout 20 "$VHDTOOL" convert leaf.vhd out.raw
	[[ "$stderr" == *itself* ]]
	ln leaf.vhd hard.vhd
	relocate c.vhd hard.vhd 3 1
	status 1 timeout 20 "$VHDTOOL" convert leaf.vhd out.raw
	[[ "$stderr" == *itself* ]]
}

@test "a chain of 10000" {
	python3 - <<-'END'
		import os, subprocess, sys
		for n in range(10000):
		    open("%d.vhd" % n, "wb").write(open("leaf.vhd", "rb").read())
	END
	PYTHONPATH=$BATS_TEST_DIRNAME python3 - "$BATS_TEST_DIRNAME" <<-'END'
		import runpy, sys
		script = sys.argv[1] + "/relocate.py"
		for n in range(10000):
		    sys.argv = [script, "%d.vhd" % n, "%d.vhd" % (n + 1),
		                str(n + 1), str(n + 2)]
		    runpy.run_path(script, run_name="__main__")
	END
	status 1 timeout 60 "$VHDTOOL" convert 0.vhd out.raw
	[[ "$stderr" == *256* ]]
	relocate 9999.vhd 9998.vhd 10000 9999
	status 1 timeout 60 "$VHDTOOL" convert 9990.vhd out.raw
	[[ "$stderr" == *itself* ]]
}

# What is looked at and what is opened must be one file: a folder in which the
# parent comes and goes shows the parent or nothing, and never what a link in
# its place leads to.
@test "a name that changes while it is opened" {
	mkdir swap
	cp parent.vhd swap/true.vhd
	ln -s ../../secret/secret.vhd swap/false.vhd
	relocate leaf.vhd swap/now.vhd
	rm parent.vhd
	(
		while [ ! -e stop ]; do
			ln -f swap/true.vhd swap/new && mv -f swap/new swap/now.vhd
			cp -P swap/false.vhd swap/new && mv -f swap/new swap/now.vhd
		done
	) 3>&- &
	found=0
	for ((i = 0; i < 150; i++)); do
		"$VHDTOOL" read --length 4096 --force-share leaf.vhd >out \
			2>err && found=$((found + 1))
		! grep -q SECRET out
	done
	touch stop
	wait
	echo "$found of 150 found the parent"
	[ "$found" -gt 0 ]
	[ "$found" -lt 150 ]
}
