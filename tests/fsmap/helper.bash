# SPDX-License-Identifier: BSD-2-Clause
# What the tests of vhd-fsmap share. FSMAP is the helper, FSMAP_CLIENT the
# program that runs it as vhdtool does, VHDTOOL vhdtool.
bats_require_minimum_version 1.5.0

setup() {
	: "${FSMAP:?set FSMAP to the vhd-fsmap to be tested}"
	here=$BATS_TEST_DIRNAME
	PATH=$PATH:/usr/sbin:/sbin
	cd "$BATS_TEST_TMPDIR" || return 1
}

need() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "no $program here"
	done
}

client() {
	VHD_FSMAP=$FSMAP "$FSMAP_CLIENT" "$@"
}

# list IMAGE [OPTION...]: what vhd-fsmap says goes to the file `list`; it must
# follow the rules
list() {
	local image=$1
	shift
	"$FSMAP" "$@" "$image" >list
	"$here/ranges.py" check list
}

# state [NUMBER]: the state of a partition in the list
state() {
	awk -v n="${1:-0}" '$1 == "fs" && $2 == n { print $7 }' list
}

# total [NUMBER]: the unused bytes in the list
total() {
	"$here/ranges.py" total list "$@"
}

# poison RAW: overwrites all that is unused according to the list
poison() {
	"$here/ranges.py" poison list "$1"
}

# known_files DIR: a tree of files of all sizes, the hashes in DIR.sums
known_files() {
	local i
	mkdir -p "$1/deep/er"
	for i in 0 1 511 4096 70000 1000000; do
		head -c "$i" /dev/urandom >"$1/file-$i"
		head -c "$i" /dev/urandom >"$1/deep/er/file-$i"
	done
	for i in $(seq 60); do
		echo "small $i" >"$1/deep/small-$i"
	done
	sums "$1" >"$1.sums"
}

# sums DIR: the hashes of all files, for comparison
sums() {
	(cd "$1" && find . -type f ! -path './lost+found*' -print0 |
		LC_ALL=C sort -z | xargs -0 sha256sum)
}

# ext RAW SIZE MKE2FS-OPTION...: a file system with known files. Some are
# removed again, so that free space is in pieces and holds old data.
ext() {
	local raw=$1 size=$2
	shift 2
	need mke2fs debugfs
	[ -d files ] || known_files files
	truncate -s "$size" "$raw"
	mkdir -p more
	cp -r files more/copy
	cp -r files/. more/
	mke2fs -q -F -L known "$@" -d more "$raw"
	{
		find more/copy -type f -printf 'rm %P\n' | sed 's|rm |rm copy/|'
	} | debugfs -w -f - "$raw" >/dev/null 2>&1
	rm -r more
	e2fsck -fy "$raw" >/dev/null 2>&1 || [ $? -le 1 ]
}

# ext_is_whole RAW: e2fsck has nothing to say, and the files are as they were
ext_is_whole() {
	e2fsck -fn "$1"
	rm -rf out
	mkdir out
	debugfs -R "rdump / out" "$1" >/dev/null 2>&1
	sums out | diff - files.sums
}

# ext_free RAW: the bytes that dumpe2fs calls free
ext_free() {
	dumpe2fs -h "$1" 2>/dev/null | awk '
		/^Free blocks:/ { free = $3 }
		/^Block size:/ { size = $3 }
		END { print free * size }'
}

# ntfs RAW SIZE MKNTFS-OPTION...: an NTFS with known files, free space in pieces
ntfs() {
	local raw=$1 size=$2 file
	shift 2
	need mkntfs ntfscp ntfscat ntfsfix ntfsinfo
	[ -d files ] || known_files files
	truncate -s "$size" "$raw"
	mkntfs -q -F -L known "$@" "$raw" >/dev/null 2>&1
	for file in 4096 70000 1000000; do
		ntfscp "$raw" "files/file-$file" "file-$file" >/dev/null 2>&1
	done
}

ntfs_is_whole() {
	local file
	ntfsfix -n "$1" >/dev/null
	for file in 4096 70000 1000000; do
		ntfscat "$1" "file-$file" | cmp - "files/file-$file"
	done
}

ntfs_free() {
	ntfsinfo -m "$1" | awk '
		/Free Clusters:/ { free = $3 }
		/Cluster Size:/ { size = $3 }
		END { print free * size }'
}

# place RAW OFFSET-IN-MIB FILE: puts a file system into a partition
place() {
	dd if="$3" of="$1" bs=1M seek="$2" conv=notrunc,sparse status=none
}

# cut RAW OFFSET-IN-MIB SIZE-IN-MIB FILE: gets it out again
cut_out() {
	dd if="$1" of="$4" bs=1M skip="$2" count="$3" status=none
}
