#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# boot-install --windows: what the scripts say. cmd.exe is not here to run them.
load helper

windows() {
	vhdtool boot-install --volume C: "$@"
}

@test "boot-install: a script for Windows names the image twice" {
	windows --windows=add.cmd --title "Windows & more" "/vm/my win.vhdx"
	[ "$(grep -c $'\r$' add.cmd)" -eq "$(wc -l <add.cmd)" ]
	tr -d '\r' <add.cmd >add
	for line in 'set "note=%~dp0my-win.bcd.txt"' \
		"for /f \"tokens=2 delims={}\" %%g in ('bcdedit /copy {current} /d \"Windows & more\"') do set \"guid={%%g}\"" \
		'bcdedit /set %guid% device "vhd=[C:]\vm\my win.vhdx" || goto undo' \
		'bcdedit /set %guid% osdevice "vhd=[C:]\vm\my win.vhdx" || goto undo' \
		'bcdedit /set %guid% detecthal on || goto undo' \
		'bcdedit /displayorder %guid% /addlast || goto undo' \
		'bcdedit /delete %guid% /cleanup'; do
		grep -Fqx "$line" add
	done
}

@test "boot-install: the other script takes the same entry away" {
	windows --windows=add.cmd /win.vhdx
	vhdtool boot-install --remove --windows=undo.cmd win.vhdx
	[ "$(grep -c $'\r$' undo.cmd)" -eq "$(wc -l <undo.cmd)" ]
	grep -F 'set "note=' add.cmd >one
	grep -F 'set "note=' undo.cmd | cmp - one
	grep -F 'bcdedit /delete %guid%' undo.cmd
	run ! grep -F /copy undo.cmd
}

@test "boot-install: a script is never overwritten, and may go to stdout" {
	echo mine >add.cmd
	status 1 windows --windows=add.cmd /win.vhdx
	grep -qx mine add.cmd
	windows --windows /win.vhdx >out
	windows --force --windows=add.cmd /win.vhdx
	cmp out add.cmd
	rm add.cmd
	status 0 windows --dry-run --windows=add.cmd /win.vhdx
	[ ! -e add.cmd ]
}

@test "boot-install: the volume may be searched for, or be where it lies" {
	vhdtool boot-install --windows --volume locate /win.vhdx >out
	grep -Fq 'device "vhd=[locate]\win.vhdx"' out
	: >here.vhdx
	vhdtool boot-install --windows --force here.vhdx >out
	grep -Eq 'device "vhd=\[locate\]\\.*\\here.vhdx"' out
}

@test "boot-install: what cmd.exe would read as its own is refused" {
	for name in 'a%b' 'a"b' 'a!b' 'a^b' 'a*b' 'a:b' $'a\nb' 'a<b' 'a\b'; do
		status 1 windows --windows=x.cmd "/$name.vhdx"
		status 1 windows --windows=x.cmd --title "$name%" /w.vhdx
	done
	status 1 windows --windows=x.cmd --title "it's" /w.vhdx
	[ ! -e x.cmd ]
}

@test "boot-install: a VHD is no image for Windows, unless it is forced" {
	status 1 windows --windows /win.vhd
	[ -z "$output" ]
	[[ "$stderr" == *"only a VHDX"*"hint: "*--force* ]]
	status 0 windows --windows --force /win.vhd
	vhdtool create --size 8M empty.vhdx
	status 1 vhdtool boot-install --windows empty.vhdx
	[[ "$stderr" == *"no NTFS inside"* ]]
}

@test "boot-install: a dynamic image is told what Windows makes of it" {
	need mkntfs
	truncate -s 20M inside.raw
	mkntfs -q -F inside.raw >/dev/null 2>&1
	vhdtool convert --quiet inside.raw win.vhdx
	status 0 vhdtool boot-install --windows=add.cmd win.vhdx
	[[ "$stderr" == *"dynamic"*"20 MiB"* ]]
	vhdtool convert --quiet --type fixed inside.raw fixed.vhdx
	status 0 vhdtool boot-install --windows=fixed.cmd fixed.vhdx
	[ -z "$stderr" ]
}

@test "boot-install: usage of --windows" {
	status 2 vhdtool boot-install --windows --volume UUID=1 /win.vhdx
	status 2 windows --windows win.vhdx
	status 2 windows --windows --root / /win.vhdx
}
