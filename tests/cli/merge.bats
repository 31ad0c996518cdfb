#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# merge: an ancestor becomes what the child was, in place.
load helper

# chain FORMAT DEPTH: 0.FORMAT and its descendants, data anywhere in each
chain() {
	local i p=0.$1
	vhdtool create "$p" --size 24M
	for ((i = 1; i <= $2 + 1; i++)); do
		for _ in 1 2; do
			head -c $((512 * (RANDOM % 2000 + 1))) /dev/urandom |
				vhdtool write "$p" --offset \
					$((512 * (RANDOM % 47000)))
		done
		vhdtool zero "$p" --offset $((i * 999936)) --length 2M
		[ "$i" -gt "$2" ] || vhdtool snapshot "$p" "$i.$1"
		p=$i.$1
	done
}

@test "a child goes into its parent, a chain into any ancestor" {
	local format into
	for format in vhd vhdx; do
		for into in 2 1 0; do
			chain $format 3
			vhdtool convert 3.$format want.raw
			status 0 vhdtool merge --quiet 3.$format \
				--into $into.$format
			vhdtool compare $into.$format want.raw
			vhdtool compare 3.$format want.raw
			vhdtool check --chain 3.$format
			[ $into != 0 ] || same_in_qemu 0.$format want.raw
			rm ./*.$format want.raw
		done
	done
}

@test "--delete removes what was merged and nothing else" {
	local format
	for format in vhd vhdx; do
		chain $format 3
		vhdtool convert 3.$format want.raw
		touch other.$format
		vhdtool merge --quiet 3.$format --into 1.$format --delete
		[ "$(echo *.$format)" = "0.$format 1.$format other.$format" ]
		vhdtool compare 1.$format want.raw
		vhdtool merge --quiet 1.$format --delete
		[ "$(echo *.$format)" = "0.$format other.$format" ]
		vhdtool compare 0.$format want.raw
		rm want.raw
	done
}

@test "children of the merged image go on with the ancestor" {
	local format
	for format in vhd vhdx; do
		chain $format 2
		for i in a b; do
			vhdtool snapshot 2.$format $i.$format
			head -c 4096 /dev/urandom | vhdtool write $i.$format
			vhdtool convert $i.$format $i.raw
		done
		vhdtool merge --quiet 2.$format --into 0.$format --delete
		for i in a b; do
			[ "$(vhdtool info --json $i.$format |
				jq '."chain-length"')" = 2 ]
			vhdtool compare $i.$format $i.raw
			vhdtool check --chain $i.$format
		done
		rm ./*.raw
	done
}

@test "a VHDX child elsewhere accepts the merged parent" {
	chain vhdx 1
	vhdtool snapshot 1.vhdx c.vhdx
	vhdtool convert c.vhdx want.raw
	mkdir elsewhere
	mv c.vhdx elsewhere
	vhdtool merge --quiet 1.vhdx --delete
	vhdtool compare --parent-root . elsewhere/c.vhdx want.raw ||
		vhdtool convert --source-parent 0.vhdx elsewhere/c.vhdx got.raw
	[ ! -e got.raw ] || cmp got.raw want.raw
}

@test "a larger child makes its parent larger" {
	local format
	for format in vhd vhdx; do
		vhdtool create p.$format --size 8M
		head -c 1M /dev/urandom | vhdtool write p.$format --offset 7M
		vhdtool create c.$format --parent p.$format --size 21M
		head -c 1M /dev/urandom | vhdtool write c.$format --offset 20M
		vhdtool convert c.$format want.raw
		vhdtool merge --quiet c.$format --delete
		[ "$(vhdtool info --json p.$format |
			jq '."virtual-size"')" = $((21 << 20)) ]
		vhdtool compare p.$format want.raw
		vhdtool check p.$format
		same_in_qemu p.$format want.raw
		rm want.raw
	done
}

@test "64 images go into the base, and each byte is written once" {
	need strace
	local format i written
	for format in vhd vhdx; do
		vhdtool create 0.$format --size 64M
		for i in $(seq 64); do
			vhdtool snapshot $((i - 1)).$format "$i.$format"
			# each hides most of what is beneath
			head -c 576K /dev/urandom | vhdtool write \
				"$i.$format" --offset $((i * 65536))
		done
		vhdtool convert --force 64.$format want.raw
		strace -f -qq -e trace=pwrite64 -o trace "$VHDTOOL" merge \
			--quiet --reflink never 64.$format --into 0.$format
		written=$(awk '/= [0-9]+$/ { n += $NF } END { print n }' trace)
		# 72 times 64 KiB; what is left is metadata
		[ "$written" -ge $((72 << 16)) ]
		[ "$written" -lt $((104 << 16)) ]
		vhdtool compare 0.$format want.raw
		rm ./*.$format
	done
}

@test "a fixed parent is written in place" {
	local format
	for format in vhd vhdx; do
		vhdtool create p.$format --type fixed --size 8M
		head -c 4M /dev/urandom | vhdtool write p.$format
		vhdtool snapshot p.$format c.$format
		vhdtool zero c.$format --offset 1M --length 2M
		head -c 70000 /dev/urandom | head -c 69632 |
			vhdtool write c.$format --offset 5M
		vhdtool convert c.$format want.raw
		vhdtool merge --quiet c.$format
		vhdtool compare p.$format want.raw
		[ "$(vhdtool info --json p.$format | jq -r .type)" = fixed ]
		vhdtool check p.$format
		rm want.raw
	done
}

@test "the ancestor's id stays, a VHDX takes over the child's data write id" {
	local before link
	chain vhdx 1
	before=$(vhdtool info --json 0.vhdx | jq -r .id)
	link=$(vhdtool info --json 1.vhdx | jq -r '."link-id"')
	vhdtool merge --quiet 1.vhdx
	[ "$(vhdtool info --json 0.vhdx | jq -r .id)" = "$before" ]
	[ "$(vhdtool info --json 0.vhdx | jq -r '."link-id"')" = "$link" ]
	[ "$(vhdtool info --json 1.vhdx | jq -r '."link-id"')" = "$link" ]
	chain vhd 1
	before=$(vhdtool info --json 0.vhd | jq -r .id)
	vhdtool merge --quiet 1.vhd
	[ "$(vhdtool info --json 0.vhd | jq -r .id)" = "$before" ]
}

@test "merging again changes nothing that a guest sees" {
	local format
	for format in vhd vhdx; do
		chain $format 2
		vhdtool snapshot 2.$format c.$format
		vhdtool convert 2.$format want.raw
		vhdtool merge --quiet 2.$format --into 0.$format
		status 0 vhdtool merge --quiet 2.$format --into 0.$format
		vhdtool compare 0.$format want.raw
		vhdtool compare c.$format want.raw
		rm want.raw
	done
}

@test "images that depend on the chain are not spoiled" {
	local format
	for format in vhd vhdx; do
		chain $format 2
		vhdtool snapshot 1.$format side.$format
		vhdtool convert 2.$format keep.raw
		sha256sum [0-9].$format side.$format >before
		status 1 vhdtool merge --quiet 2.$format --into 0.$format
		[[ "$stderr" == *"is the parent of 'side.$format'"* ]]
		[[ "$stderr" == *hint:*--ignore-children* ]]
		sha256sum --quiet -c before
		status 0 vhdtool merge --quiet --ignore-children \
			2.$format --into 0.$format
		vhdtool compare 0.$format keep.raw
		rm keep.raw
	done
}

@test "an image in use is not merged" {
	need qemu-io
	chain vhdx 2
	sha256sum [0-9].vhdx >before
	for image in 0.vhdx 1.vhdx 2.vhdx; do
		mkfifo in
		qemu-io -f raw "$image" <in >out 3>&- &
		exec 9>in
		echo "read 0 512" >&9
		until grep -q "read 512/512" out || ! kill -0 $!; do :; done
		status 1 vhdtool merge --quiet 2.vhdx --into 0.vhdx
		[[ "$stderr" == *"another program has the image open"* ]]
		exec 9>&-
		wait
		rm in
	done
	sha256sum --quiet -c before
}

@test "what cannot be merged is refused, and nothing changes" {
	chain vhdx 1
	vhdtool create lone.vhdx --size 8M
	sha256sum ./*.vhdx >before
	status 1 vhdtool merge lone.vhdx
	[[ "$stderr" == *"no parent"* ]]
	status 1 vhdtool merge 1.vhdx --into lone.vhdx
	[[ "$stderr" == *"does not descend"* ]]
	status 1 vhdtool merge 1.vhdx --into 1.vhdx
	status 2 vhdtool merge
	sha256sum --quiet -c before
	head -c 512 /dev/urandom |
		vhdtool write --ignore-children 0.vhdx
	status 1 vhdtool merge 1.vhdx
	[[ "$stderr" == *"was changed since"* ]]
}

@test "kill -9 of a merge: the child is whole, again completes it" {
	[ -r /proc/self/io ] || skip "no /proc/PID/io here"
	local format turn
	for format in vhd vhdx; do
		for turn in 1 2 3 4 5; do
			vhdtool create 0.$format --size 128M
			head -c 32M /dev/urandom |
				vhdtool write 0.$format --offset 1M
			vhdtool snapshot 0.$format 1.$format
			head -c 32M /dev/urandom |
				vhdtool write 1.$format --offset 4198400
			vhdtool snapshot 1.$format 2.$format
			head -c 32M /dev/urandom |
				vhdtool write 2.$format --offset 40M
			vhdtool convert 2.$format want.raw
			"$VHDTOOL" merge --quiet 2.$format --into 0.$format \
				--delete --reflink never 3>&- &
			has_written $! $((turn * 10000000 - 9999000))
			kill -KILL $! || true
			wait $! || true
			if [ -e 2.$format ]; then
				vhdtool compare 2.$format want.raw
				vhdtool merge --quiet 2.$format \
					--into 0.$format --delete
			fi
			vhdtool compare 0.$format want.raw
			vhdtool check 0.$format
			[ ! -e 2.$format ]
			rm -f ./*.$format want.raw
		done
	done
}

# killed_at CALL COMMAND...: kills it at the CALLth name that it removes; false
# if it removes fewer
killed_at() {
	local turn=$1
	shift
	traced -f -qq -e trace=unlink,unlinkat \
		-e inject=unlink,unlinkat:signal=KILL:when="$turn" "$@" || true
	grep -q SIGKILL trace
}

@test "kill -9 between any two of the files that --delete removes" {
	need_strace
	local format turn
	for format in vhd vhdx; do
		mkdir "$format"
		cd "$format"
		chain $format 4
		vhdtool convert 4.$format ../want.raw
		cd ..
		for ((turn = 1; ; turn++)); do
			rm -rf work
			cp -r $format work
			killed_at $turn "$VHDTOOL" merge --quiet --delete \
				work/4.$format --into work/0.$format || break
			if [ -e work/4.$format ]; then
				vhdtool compare work/4.$format want.raw
				vhdtool check --chain work/4.$format
				status 0 vhdtool merge --quiet --delete \
					work/4.$format --into work/0.$format
			fi
			[ "$(ls -A work)" = 0.$format ]
			vhdtool compare work/0.$format want.raw
			vhdtool check work/0.$format
		done
		# three images between, the note and the child
		[ $turn -ge 5 ]
		rm -r want.raw $format
	done
}

@test "a child that --delete has removed already: said so" {
	chain vhd 1
	vhdtool merge --quiet --delete 1.vhd
	status 1 vhdtool merge --quiet --delete 1.vhd
	[[ "$stderr" == *"1.vhd: "*"hint: "*"was complete"* ]]
}

# note CHILD ANCESTOR-ID LINE...: what a merge that was cut off leaves
note() {
	local child=$1 id=$2
	shift 2
	printf 'vhdmerge1\n%s\n' "$id" >"$child.merged"
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$child.merged"
}

link_id() {
	vhdtool info --json "$1" | jq -r '."link-id"'
}

@test "a note of another merge, or of other files, removes nothing" {
	local zero=00000000-0000-0000-0000-000000000000
	chain vhdx 2
	mkdir far
	vhdtool create lone.vhdx --size 24M
	vhdtool snapshot lone.vhdx other.vhdx
	cp other.vhdx far/other.vhdx
	touch text.vhdx
	# of another ancestor
	note 2.vhdx $zero "$(link_id other.vhdx) other.vhdx"
	vhdtool merge --quiet --delete 2.vhdx
	[ "$(echo *)" = "0.vhdx 1.vhdx far lone.vhdx other.vhdx text.vhdx" ]
	# other identities, a parent, no image, another folder, no such file
	note 1.vhdx "$(link_id 0.vhdx)" "$zero other.vhdx" \
		"$(link_id lone.vhdx) lone.vhdx" "$zero text.vhdx" \
		"$(link_id 0.vhdx) 0.vhdx" "$zero none.vhdx" "" x \
		"$(link_id other.vhdx) far/other.vhdx" \
		"$(link_id other.vhdx) ../other.vhdx"
	ln 1.vhdx keep
	run -1 vhdtool merge --quiet --delete 1.vhdx --into lone.vhdx
	[ -e 1.vhdx.merged ]
	vhdtool merge --quiet --delete 1.vhdx
	[ "$(echo *)" = "0.vhdx far keep lone.vhdx other.vhdx text.vhdx" ]
	[ -e far/other.vhdx ]
}
