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

@test "what mount(8) and fstab do" {
	[ "$(id -u)" = 0 ] || skip "mount needs root"
	[ -x /sbin/mount.fuse3 ] || [ -x /usr/sbin/mount.fuse3 ] ||
		skip "no mount.fuse3 here"
	vhdtool create --size 8M a.vhdx
	# the type names the program; installed it is fuse.vhdfuse
	mount -t "fuse.$VHDFUSE" \
		-o ro,allow_other,nofail,x-systemd.automount a.vhdx d
	grep -q "fuse.vhdfuse ro.*allow_other" /proc/self/mounts
	[ "$(stat -c %a d/disk)" = 444 ]
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

# corpus_list: file, expected ("content", "refused" or "any"), content hash
corpus_list() {
	awk -F'\t' '/^#/ { next }
		{ want = "any" }
		$11 ~ /^must-be-refused|^parent-missing/ { want = "refused" }
		$11 ~ /^ok|^needs-log-replay/ && $7 != "-" { want = "content" }
		$6 > 1073741824 { want = "any" } # takes long
		{ sub(/\.xz$/, "", $1); print $1 "\t" want "\t" $7 }' "$MANIFEST"
}

# what a person would see: the content's hash, or nothing
content_of() { # IMAGE
	vhdtool mount --read-only "$1" d 2>err || return 0
	sha256sum <d/disk 2>>err >sum && cut -d" " -f1 sum
	unmounted
}

@test "the corpus: the manifest's content, no file touched, hostile ones refused" {
	local name want hash got bad=0 right=0 refused=0
	[ -r "$MANIFEST" ] || skip "no corpus here"
	need xz
	corpus_list >list
	# companions lie beside what needs them
	while IFS=$'\t' read -r name want hash; do
		corpus "$name"
	done <list
	sha256sum *.vhd *.vhdx >before
	stat -c '%n %y %s' *.vhd *.vhdx >>before
	while IFS=$'\t' read -r name want hash; do
		[ "$want" != any ] || continue
		got=$(content_of "$name")
		if [ "$want" = refused ] && [ -z "$got" ]; then
			refused=$((refused + 1))
		elif [ "$want" = content ] && [ "$got" = "$hash" ]; then
			right=$((right + 1))
		else
			echo "$name should be $want: got '$got' $(cat err)"
			bad=$((bad + 1))
		fi
	done <list
	echo "$right right, $refused refused, $bad wrong"
	[ "$bad" = 0 ] && [ "$right" -gt 35 ] && [ "$refused" -gt 45 ]
	sha256sum *.vhd *.vhdx >after
	stat -c '%n %y %s' *.vhd *.vhdx >>after
	cmp before after
}
