#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What the shells offer at TAB, asked of the shells themselves. COMPLETIONS is
# the folder with the files that are installed.
load helper

setup() {
	: "${COMPLETIONS:?set COMPLETIONS to the folder of the files}"
	[ -e "$COMPLETIONS/vhdtool" ] || skip "not made in this build"
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir folder
	touch disk.vhd 'my disk.vhdx' folder/inner.vhd
}

# by_bash LINE: as bash does, splitting words at blanks and "="
by_bash() {
	# shellcheck disable=SC2016 # for the inner shell
	bash --norc -c '
	source "$1"
	line=$2
	words=$(sed "s/=/ = /g" <<<"$line")
	read -ra COMP_WORDS <<<"$words"
	[[ $line != *" " ]] || COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMP_LINE=$line
	[ "$(complete -p vhdtool)" = "complete -F _vhdtool vhdtool" ] || exit
	_vhdtool
	[ "${#COMPREPLY[@]}" -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"
	' bash "$COMPLETIONS/vhdtool" "$1" | sed 's/ *$//' | sort -u
}

by_zsh() {
	zsh -f "$BATS_TEST_DIRNAME/complete.zsh" "$COMPLETIONS" "$1" \
		"$BATS_RUN_TMPDIR/zcompdump"
}

# fish tells the rest of the word along with what it has, and descriptions
by_fish() {
	local home=$BATS_RUN_TMPDIR/home
	XDG_CONFIG_HOME=$home XDG_DATA_HOME=$home HOME=$home fish --no-config \
		-c 'source $argv[1]; complete -C $argv[2]' \
		"$COMPLETIONS/vhdtool.fish" "$1" |
		cut -f 1 | sort -u
}

# offers LINE WORD...: exactly these, but for how a shell writes them: a slash
# behind a folder, a backslash before a blank, "=" and values behind an option
offers() {
	local line=$1 wanted found
	shift
	wanted=$(printf '%s\n' "$@" | sort -u)
	found=$("by_$shell" "$line" |
		sed 's,/$,,; s/\\ / /g; /^--/s/=.*//' | sort -u)
	[ "$wanted" = "$found" ] || {
		echo "$shell: $line"
		diff <(echo "$wanted") <(echo "$found")
		return 1
	}
}

commands() {
	vhdtool --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'
}

# what holds for each shell
all_of_it() {
	local list
	mapfile -t list < <(commands)
	[ "${#list[@]}" -gt 25 ]
	offers 'vhdtool ' "${list[@]}" help
	offers 'vhdtool me' measure merge
	offers 'vhdtool help sn' snapshot
	offers 'vhdtool --v' --version
	offers 'vhdtool create --fo' --force --format
	offers 'vhdtool create -f ' vhd vhdx
	offers 'vhdtool convert -f ' raw vhd vhdx
	offers 'vhdtool convert -O v' vhd vhdx
	offers 'vhdtool convert --type ' auto fixed dynamic differencing
	offers 'vhdtool create --logical-sector-size ' 512 4096
	offers 'vhdtool attach --mode ' auto loop nbd ublk dm
	offers 'vhdtool boot-install --entry s' systemd-boot
	offers 'vhdtool create --size ' ''
	offers 'vhdtool check disk.vhd --dry' --dry-run
	offers 'vhdtool info d' disk.vhd
	offers 'vhdtool info m' 'my disk.vhdx'
	[ "$shell" = zsh ] || # which completes the last part of a path
		offers 'vhdtool info folder/i' folder/inner.vhd
	offers 'vhdtool convert --type fixed -j 3 d' disk.vhd
	offers 'vhdtool check --backup d' disk.vhd
	offers 'vhdtool convert --parent-root ' folder
	offers 'vhdtool umount ' folder
	offers 'vhdtool mount disk.vhd ' folder
	offers 'vhdtool mount --fs 1 -r disk.vhd ' folder
	[ "$shell" = zsh ] || # which offers options then
		offers 'vhdtool resize disk.vhd ' ''
}

# the options of each command are those of its help
all_options() {
	local command wanted
	for command in $(commands); do
		mapfile -t wanted < <(vhdtool "$command" --help |
			sed -nE 's/^  ..?.? ?(--[a-z-]+).*/\1/p')
		offers "vhdtool $command --" "${wanted[@]}"
	done
}

@test "bash offers what the tables say" {
	shell=bash
	all_of_it
	offers 'vhdtool create --format=' vhd vhdx
	offers 'vhdtool check --repair=' salvage
	offers 'vhdtool check --repair ' disk.vhd 'my disk.vhdx' folder
	offers 'vhdtool set --metadata 00112233=d' disk.vhd
	offers 'vhdtool set --metadata 00112233=d disk.vhd --res' --reset-id
	offers 'vhdtool info -- --' ''
}

@test "bash: all options of all commands" {
	shell=bash
	all_options
}

@test "zsh offers what the tables say" {
	need zsh
	shell=zsh
	all_of_it
	offers 'vhdtool create --format=' vhd vhdx
	offers 'vhdtool check --repair=' salvage
	offers 'vhdtool set --metadata 00112233=d' disk.vhd
}

@test "zsh: all options of all commands" {
	need zsh
	shell=zsh
	all_options
}

@test "fish offers what the tables say" {
	need fish
	shell=fish
	all_of_it
	offers 'vhdtool create --format=' --format
	[[ "$(by_fish 'vhdtool create --format=')" == *--format=vhdx* ]]
	[[ "$(by_fish 'vhdtool check --rep')" == *--repair=salvage* ]]
	offers 'vhdtool check --repair ' disk.vhd 'my disk.vhdx' folder
}

@test "fish: all options of all commands" {
	need fish
	shell=fish
	all_options
}

@test "block devices are offered to detach" {
	local device
	device=$(find /dev -maxdepth 1 -name 'loop[0-9]*' | head -n 1)
	[ -n "$device" ] || skip "no block devices here"
	for shell in bash zsh fish; do
		command -v "$shell" >/dev/null || continue
		"by_$shell" "vhdtool detach ${device%?}" | grep -qx "$device"
		! "by_$shell" "vhdtool detach /dev/" | grep -q null
	done
}
