# SPDX-License-Identifier: BSD-2-Clause
# What the mount tests share, on top of the command-line tests' helper.
load ../cli/helper

VHDFUSE=$(dirname "$VHDTOOL")/vhdfuse
STRESS=${STRESS:-$(dirname "$VHDTOOL")/../tests/bin/stress}
export VHDFUSE STRESS

setup() {
	: "${VHDTOOL:?set VHDTOOL to the vhdtool to be tested}"
	cd "$BATS_TEST_TMPDIR" || return 1
	[ -c /dev/fuse ] && [ -w /dev/fuse ] || skip "no FUSE here"
	mkdir d fs
}

# Whatever is still mounted goes, so that the folder can be removed; and so do
# servers that a failed test left in a mount namespace of their own.
teardown() {
	local place pid
	awk -v top="$BATS_TEST_TMPDIR/" 'index($2, top) == 1 { print $2 }' \
		/proc/self/mounts | tac | while read -r place; do
		umount -l "$place" 2>/dev/null || fusermount3 -uz "$place"
	done
	for pid in $(pgrep -x vhdfuse); do
		! grep -qF "$BATS_TEST_TMPDIR/" "/proc/$pid/cmdline" 2>/dev/null ||
			kill "$pid" 2>/dev/null || :
	done
}

# mounted IMAGE [OPTION...]: on d
mounted() {
	vhdtool mount "$@" d
}

unmounted() {
	vhdtool umount d
}

# pid_of DIR: the process that serves a mount
pid_of() {
	local pid
	for pid in $(pgrep -x vhdfuse); do
		tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null |
			grep -qxF -e "$1" && echo "$pid"
	done
	return 0
}

need_loop() {
	[ "$(id -u)" = 0 ] || skip "loop mounts need root"
	[ -e /dev/loop-control ] || skip "no loop devices here"
}

# with_loop FILE: mounts the file system in it on fs; skips where the kernel
# lacks it
with_loop() {
	mount -o "loop${2:+,$2}" "$1" fs 2>mount-error && return 0
	if grep -q "unknown filesystem type" mount-error; then
		skip "$(cat mount-error)"
	fi
	cat mount-error
	return 1
}

# check_fs KIND FILE: what the file system's own fsck says of it
check_fs() {
	case $1 in
	ext4) e2fsck -fn "$2" ;;
	xfs) xfs_repair -n "$2" ;;
	btrfs) btrfs check "$2" ;;
	ntfs) ntfsfix -n "$2" ;;
	vfat) fsck.vfat -n "$2" ;;
	esac >fsck.log 2>&1 || {
		cat fsck.log
		return 1
	}
}

# ended IMAGE: no vhdfuse serves it; asked anew each time, unlike
# test -z "$(pid_of IMAGE)" behind wait_for
ended() {
	[ -z "$(pid_of "$1")" ]
}

# A tree of files to work with: our own sources.
pack_sources() { # ARCHIVE
	tar -C "$SOURCE" --exclude=./build --exclude=./.git \
		--exclude=./tests/corpus --exclude=./fuzz/corpus -cf "$1" .
}

# wait_for COMMAND...: until it succeeds, a minute at most
wait_for() {
	for _ in $(seq 600); do
		! "$@" || return 0
		read -rt 0.1 <> <(:) || :
	done
	echo "never true: $*"
	return 1
}
