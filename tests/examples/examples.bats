#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The programs of docs/examples do what their first lines say. EXAMPLES is the
# folder they were built in; one test builds them anew against an installation.
load ../cli/helper

# a disk with a partition table and data in its first and last MiB
some_disk() { # IMAGE
	truncate -s 24M some.raw
	printf 'start=2048, size=4096, type=83\nstart=8192, type=7\n' |
		sfdisk -q some.raw
	head -c 1M /dev/urandom |
		dd of=some.raw bs=1M seek=1 conv=notrunc status=none
	head -c 1M /dev/urandom |
		dd of=some.raw bs=1M seek=23 conv=notrunc status=none
	vhdtool convert --quiet --force some.raw "$1"
}

reads() {
	need sfdisk
	some_disk a.vhdx
	vhdtool snapshot a.vhdx b.vhdx
	status 0 "$EXAMPLES/read" b.vhdx
	[ "${lines[0]}" = "disk of 25165824 bytes, sectors of 512" ]
	[[ "${lines[1]}" == "layer 0: b.vhdx, id "* ]]
	[[ "${lines[2]}" == "layer 1: "*"a.vhdx, id "* ]]
	[ "${lines[3]}" = \
		"partition 1: type 83, start 1048576, length 2097152" ]
	[ "${lines[4]}" = \
		"partition 2: type 07, start 4194304, length 20971520" ]
	"$EXAMPLES/read" b.vhdx 1000000 200001 >range
	vhdtool read --offset 1000000 --length 200001 b.vhdx | cmp - range
	[ -z "$(vhdtool convert --quiet a.vhdx a.vhd && "$EXAMPLES/read" \
		a.vhd 2>&1 >/dev/null)" ]
}

reads_and_complains() {
	some_disk a.vhdx
	vhdtool snapshot a.vhdx b.vhdx
	rm a.vhdx
	status 1 "$EXAMPLES/read" b.vhdx
	[ -z "$output" ]
	[[ "$stderr" == *"a.vhdx"* && "$stderr" == *"hint: "* ]]
	status 1 "$EXAMPLES/read" some.raw
	[[ "$stderr" == "some.raw: "*"byte "* ]]
}

snapshots() {
	need sfdisk
	mkdir base
	some_disk base/a.vhdx
	sum=$(sha256sum <base/a.vhdx)
	"$EXAMPLES/snapshot" base/a.vhdx b.vhdx 1048576 "written to the child"
	[ "$(sha256sum <base/a.vhdx)" = "$sum" ]
	printf 'written to the child' |
		dd of=some.raw bs=1M seek=1 conv=notrunc status=none
	# closed in order, and all but the text is the parent's
	vhdtool check --parent-root base b.vhdx | grep "no faults"
	[ "$(vhdtool info --json --parent-root base b.vhdx |
		jq '."dirty-flag"')" = false ]
	vhdtool compare --parent-root base b.vhdx some.raw
	# it exists now
	status 1 "$EXAMPLES/snapshot" base/a.vhdx b.vhdx 0 x
	[[ "$stderr" == "snapshot: "* ]]
	vhdtool compare --parent-root base b.vhdx some.raw
}

queues() {
	need sfdisk
	some_disk a.vhdx
	vhdtool create --size 24M b.vhdx
	"$EXAMPLES/queue" a.vhdx b.vhdx
	vhdtool check b.vhdx | grep "no faults"
	vhdtool compare b.vhdx some.raw
	vhdtool create --size 25M c.vhdx
	status 1 "$EXAMPLES/queue" a.vhdx c.vhdx
	[ -n "$stderr" ]
}

tars() {
	need sfdisk
	some_disk a.vhdx
	vhdtool snapshot a.vhdx b.vhdx
	echo "in between" >other
	printf %512s child | vhdtool write --offset 2M b.vhdx
	vhdtool convert --quiet b.vhdx want.raw
	tar --format=ustar -cf all.tar other b.vhdx other a.vhdx
	tar --format=ustar -cf one.tar b.vhdx
	rm a.vhdx b.vhdx
	"$EXAMPLES/tar" all.tar b.vhdx >got.raw 2>said
	[ "$(cat said)" = "2 layers" ]
	cmp got.raw want.raw
	"$EXAMPLES/tar" all.tar a.vhdx 2>said | cmp - some.raw
	[ "$(cat said)" = "1 layers" ]
	# no parent, another image by its name, no such member
	status 1 "$EXAMPLES/tar" one.tar b.vhdx
	[ -z "$output" ]
	vhdtool create --size 24M a.vhdx
	tar --format=ustar -rf one.tar a.vhdx
	status 1 "$EXAMPLES/tar" one.tar b.vhdx
	[ -z "$output" ]
	status 1 "$EXAMPLES/tar" all.tar c.vhdx
	head -c 1536 /dev/urandom | tr '\0' x >bad.tar
	status 1 "$EXAMPLES/tar" bad.tar a.vhdx
}

cancels() {
	some_disk a.vhdx
	"$EXAMPLES/cancel" a.vhdx a.raw.gz || {
		grep -q "VHD_WITH_ZLIB:BOOL=ON" "$BUILD/CMakeCache.txt" ||
			skip "built without zlib"
		return 1
	}
	gzip -dc a.raw.gz | cmp - some.raw
	# hours of work, even if it is all zeros
	vhdtool create --size 16T big.vhdx
	mkdir out
	status 1 "$EXAMPLES/cancel" big.vhdx out/big.raw.gz 1
	[[ "$output" == *"cancelled; nothing is left of it"* ]]
	[ -z "$(ls -A out)" ]
	# a file that was there is as it was
	echo precious >out/big.raw.gz
	status 1 "$EXAMPLES/cancel" big.vhdx out/big.raw.gz
	[ "$(ls -A out)" = big.raw.gz ]
	[ "$(cat out/big.raw.gz)" = precious ]
	rm out/big.raw.gz
	"$EXAMPLES/cancel" big.vhdx out/big.raw.gz >said 2>progress 3>&- &
	until grep -q "%" progress; do sleep 0.05; done
	kill -INT $!
	! wait $!
	grep -q "cancelled" said
	[ -z "$(ls -A out)" ]
}

@test "read: layers, partitions, a range" { reads; }
@test "read: a person is told what is wrong" { reads_and_complains; }
@test "snapshot: what is written is in the child alone" { snapshots; }
@test "queue: the copy is the same" { queues; }
@test "tar: a chain inside an archive" { tars; }
@test "cancel: nothing half-written stays" { cancels; }

# Installs, with the manifest of a real installation kept.
install_to() { # PREFIX
	local manifest=$BUILD/install_manifest.txt rc=0
	[ ! -e "$manifest" ] || cp "$manifest" manifest
	"$CMAKE" --install "$BUILD" --prefix "$1" >install.log || rc=$?
	if [ -e manifest ]; then mv manifest "$manifest"; else rm "$manifest"; fi
	return $rc
}

@test "with nothing but an installed library and pkg-config they do the same" {
	local name source
	need pkg-config
	[ -z "$SANITIZED" ] || skip "a library with a sanitizer is not installed"
	install_to "$PWD/prefix"
	PKG_CONFIG_PATH=$(dirname "$(find prefix -name libvhd.pc)")
	export PKG_CONFIG_PATH
	source=$PWD/prefix/share/doc/libvhd/examples
	mkdir bin
	pc() { pkg-config --define-variable=prefix="$PWD/prefix" "$@" libvhd; }
	for name in read snapshot queue tar cancel; do
		# shellcheck disable=SC2046 # words are wanted
		"$CC" -std=c11 -Wall -Wextra -pedantic -Werror -pthread \
			-o bin/$name "$source/$name.c" $(pc --cflags --libs)
	done
	LD_LIBRARY_PATH=$(pc --variable=libdir)
	export LD_LIBRARY_PATH
	ldd bin/read | grep -q "libvhd.so.* => $PWD/prefix/"
	EXAMPLES=$PWD/bin
	for name in reads snapshots queues tars cancels; do
		mkdir $name
		(cd $name && $name)
	done
}
