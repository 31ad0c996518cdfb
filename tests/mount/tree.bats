#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What a mount shows, and what it refuses.
load helper

@test "the disk, its layers and what is known of it" {
	vhdtool create --size 8M base.vhdx
	head -c 1M /dev/urandom | vhdtool write base.vhdx
	vhdtool snapshot base.vhdx leaf.avhdx
	head -c 64K /dev/urandom | vhdtool write --offset 512K leaf.avhdx
	vhdtool convert -q base.vhdx base.raw
	vhdtool convert -q leaf.avhdx leaf.raw
	mounted leaf.avhdx --read-only
	cmp d/disk leaf.raw
	cmp d/layers/0 leaf.raw
	cmp d/layers/1 base.raw
	[ "$(ls d/layers | wc -l)" = 2 ]
	jq -e 'length == 2 and .[0].type == "differencing" and
		.[0]."virtual-size" == 8388608' d/info.json
	[ "$(stat -c %s d/disk)" = 8388608 ]
	run -1 cat d/missing
	unmounted
}

@test "read-only: no write, no lock on others, no byte changed" {
	vhdtool create --size 8M a.vhdx
	before=$(sha256sum a.vhdx; stat -c %y a.vhdx)
	mounted a.vhdx --read-only
	run ! dd if=/dev/zero of=d/disk bs=512 count=1 conv=notrunc
	run ! touch d/new
	status 0 vhdtool info a.vhdx
	status 0 vhdtool hash a.vhdx
	unmounted
	[ "$before" = "$(sha256sum a.vhdx; stat -c %y a.vhdx)" ]
}

@test "read-write: locked for others, names and sizes cannot be changed" {
	vhdtool create --size 8M a.vhdx
	mounted a.vhdx
	status 1 vhdtool hash a.vhdx
	run ! touch d/new
	run ! rm d/disk
	run ! mv d/disk d/other
	run ! truncate -s 4M d/disk
	truncate -s 8M d/disk
	unmounted
	status 0 vhdtool hash a.vhdx
}

@test "allow_other: everybody may read, or also write" {
	vhdtool create --size 8M a.vhdx
	mounted a.vhdx -o ro,allow_other || skip "user_allow_other is not set"
	grep -q "fuse.vhdfuse ro.*allow_other" /proc/self/mounts
	[ "$(stat -c %a d/disk)" = 444 ]
	unmounted
	mounted a.vhdx -o allow_other
	[ "$(stat -c %a d/disk)" = 666 ]
	unmounted
	mounted a.vhdx
	[ "$(stat -c %a d/disk)" = 600 ]
	unmounted
}

@test "an image that is not there, not one, locked, hostile" {
	local name
	status 1 vhdtool mount nothing.vhdx d
	head -c 1M /dev/urandom >junk.vhdx
	status 1 vhdtool mount junk.vhdx d
	[[ "$stderr" == *junk.vhdx* ]]
	vhdtool create --size 8M a.vhdx
	mounted a.vhdx
	mkdir second
	status 1 vhdtool mount a.vhdx second
	[[ "$stderr" == *"another program"* ]]
	unmounted
	status 1 vhdtool mount a.vhdx no-folder
	status 2 vhdtool mount --overlay --read-only a.vhdx d
	status 2 "$VHDFUSE" a.vhdx
	run ! mountpoint -q d
}

# corpus_list: file, expected ("content", "refused" or "any"), size, content
# hash, sparse digest
corpus_list() {
	awk -F'\t' '/^#/ { next }
		{ want = "any" }
		$11 ~ /^must-be-refused$|^parent-missing/ { want = "refused" }
		$11 ~ /^ok|^needs-log-replay/ && $7 != "-" { want = "content" }
		{ sub(/\.xz$/, "", $1)
		  print $1 "\t" want "\t" $6 "\t" $7 "\t" $8 }' "$MANIFEST"
}

# The sparse digest of a large disk, with the holes that the mount tells of. A
# wrong hole would be missing data, and another digest.
sparse_digest() { # FILE
	python3 - "$1" <<-'END'
	import hashlib, os, struct, sys
	f = os.open(sys.argv[1], os.O_RDONLY)
	size, at, h, P = os.fstat(f).st_size, 0, hashlib.sha256(), 65536
	while at < size:
	    try:
	        at = max(at, os.lseek(f, at, os.SEEK_DATA) // P * P)
	    except OSError:
	        break
	    piece = os.pread(f, P, at)
	    if piece.strip(b"\0"):
	        h.update(struct.pack("<Q", at) + piece)
	    at += P
	print(h.hexdigest())
	END
}

# what a person would see: the content's hash, or nothing. A server that dies
# or hangs fails the test: the unmount finds nobody.
content_of() { # IMAGE SIZE
	run --separate-stderr vhdtool mount --read-only "$1" d
	[ "$status" != 1 ] || return 0
	[ "$status" = 0 ] || echo "exit status $status"
	if [ "$2" != - ] && [ "$2" -gt 268435456 ]; then
		sparse_digest d/disk 2>err
	else
		sha256sum <d/disk 2>err >sum && cut -d" " -f1 sum
	fi
	unmounted || echo "the server died"
}

@test "the corpus: the manifest's content, no file touched, hostile ones refused" {
	local name want size hash digest got bad=0 right=0 refused=0
	[ -r "$MANIFEST" ] || skip "no corpus here"
	need xz python3
	corpus_list >list
	# companions lie beside what needs them
	while IFS=$'\t' read -r name want size hash digest; do
		corpus "$name"
	done <list
	sha256sum *.vhd *.vhdx >before
	stat -c '%n %y %s' *.vhd *.vhdx >>before
	while IFS=$'\t' read -r name want size hash digest; do
		got=$(content_of "$name" "$size")
		[ "$size" = - ] || [ "$size" -le 268435456 ] || hash=$digest
		if [ "$want" = refused ] && [ -z "$got" ]; then
			refused=$((refused + 1))
			# nor for writing, nor below an overlay
			status 1 vhdtool mount "$name" d
			status 1 vhdtool mount --overlay "$name" d
		elif [ "$want" = content ] && [ "$got" = "$hash" ]; then
			right=$((right + 1))
		elif [ "$want" != any ] || [[ $got == *status* || $got == *died* ]]; then
			echo "$name should be $want: got '$got' $(cat err)"
			bad=$((bad + 1))
		fi
	done <list
	echo "$right right, $refused refused, $bad wrong"
	[ "$bad" = 0 ] && [ "$right" -ge 45 ] && [ "$refused" -gt 45 ]
	sha256sum *.vhd *.vhdx >after
	stat -c '%n %y %s' *.vhd *.vhdx >>after
	cmp before after
}
