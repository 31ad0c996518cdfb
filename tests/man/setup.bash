# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# What the ; setup: lines of examples may call, and what they begin with.
set -eu

# image NAME [OPTION...]: an image of 32 MiB with some text in it
image() {
	local name=$1
	shift
	vhdtool create --size 32M "$@" "$name"
	yes "some text of a guest" | head -c 1M |
		vhdtool write --quiet --offset 4M "$name"
}

# raw NAME: the same as a raw disk
raw() {
	truncate -s 32M "$1"
	yes "some text of a guest" | head -c 1M |
		dd of="$1" bs=1M seek=4 conv=notrunc status=none
}

# chain BASE CHILD...: an image and children of it, one upon the other, that
# hold something else each
chain() {
	local parent=$1 child n=0
	[ -e "$parent" ] || image "$parent"
	shift
	for child in "$@"; do
		n=$((n + 1))
		vhdtool snapshot "$parent" "$child"
		yes "written to $child" | head -c 64K |
			vhdtool write --quiet --offset "$((4 + n))M" "$child"
		parent=$child
	done
}

# ext4 NAME [OPTION...]: an image with one ext4 and no partitions
ext4() {
	local name=$1
	shift
	truncate -s 32M ext4.tmp
	mkfs.ext4 -q ext4.tmp
	vhdtool convert --quiet -f raw "$@" ext4.tmp "$name"
	rm ext4.tmp
}

# partitioned NAME [OPTION...]: an image with a partition table (GPT) and an ext4
partitioned() {
	local name=$1
	shift
	truncate -s 30M ext4.tmp
	mkfs.ext4 -q ext4.tmp
	truncate -s 32M disk.tmp
	printf 'label: gpt\nstart=2048, size=61440\n' | sfdisk -q disk.tmp
	dd if=ext4.tmp of=disk.tmp bs=1M seek=1 conv=notrunc,sparse status=none
	vhdtool convert --quiet -f raw "$@" disk.tmp "$name"
	rm ext4.tmp disk.tmp
}

# bootable NAME [OPTION...]: an image with a FAT and a loader for UEFI on it
bootable() {
	local name=$1
	shift
	truncate -s 20M fat.tmp
	mkfs.vfat fat.tmp >/dev/null
	mmd -i fat.tmp ::/EFI ::/EFI/BOOT
	echo loader >loader.tmp
	mcopy -i fat.tmp loader.tmp ::/EFI/BOOT/BOOTX64.EFI
	vhdtool convert --quiet -f raw "$@" fat.tmp "$name"
	rm fat.tmp loader.tmp
}

# esp FOLDER: a FAT is mounted there, as an EFI system partition is
esp() {
	truncate -s 64M esp.tmp
	mkfs.vfat esp.tmp >/dev/null
	mkdir -p "$1"
	mount -o loop esp.tmp "$1"
}

# system_with_grub FOLDER: as much of a system as boot-install looks at, of the
# GRUB that vhd.mod was built for
system_with_grub() {
	local version
	version=$(strings "$BUILD/lib/grub/x86_64-efi/vhd.mod" |
		sed -n 's/^vhd.mod for GRUB //p')
	mkdir -p "$1/etc/grub.d" "$1"/{boot,usr/lib}/grub/x86_64-efi
	for folder in "$1"/{boot,usr/lib}/grub/x86_64-efi; do
		echo "grub_package_version=\"$version\"" \
			>"$folder/modinfo.sh"
	done
}

# until_done COMMAND...: again and again, until it succeeds or the server is gone
until_done() {
	until "$@" >/dev/null 2>&1; do
		kill -0 "$server"
	done
}

# serve_nbd SOCKET IMAGE: in the background until the example ends
serve_nbd() {
	vhdtool serve --nbd "$1" "$2" &
	server=$!
	stop_at_end
	until_done nbdinfo --size "nbd+unix:///?socket=$1"
}

stop_at_end() {
	trap 'kill "$server" 2>/dev/null && wait "$server"' EXIT
}

# serve_vhost SOCKET OPTION... IMAGE: the same for vhd-vhost-user-blk
serve_vhost() {
	local socket=$1
	shift
	vhd-vhost-user-blk --socket "$socket" "$@" &
	server=$!
	stop_at_end
	until_done test -S "$socket"
}

# serve_vhost_control SOCKET: the same without a disk
serve_vhost_control() {
	vhd-vhost-user-blk --control "$1" &
	server=$!
	stop_at_end
	until_done test -S "$1"
}

# job_done SOCKET: the work that was begun at this control socket has ended
job_done() {
	echo '{"command":"list"}' | socat - "UNIX-CONNECT:$1" |
		grep -q '"state": *"done"'
}

# nbdkit_of_build: "vhd" is the plugin that was built; server_gone waits for
# the server of a `--run`, for which nbdkit itself does not wait
nbdkit_of_build() {
	nbdkit() {
		local words=() word
		for word in "$@"; do
			[ "$word" != vhd ] || word=$PLUGIN
			words+=("$word")
		done
		command nbdkit -P "$PWD/pid" "${words[@]}"
	}
}

server_gone() {
	local pid
	pid=$(cat pid 2>/dev/null) || return 0
	while kill -0 "$pid" 2>/dev/null; do :; done
}

# unmount_at_end DIR, detach_at_end: also if the example fails before it does
unmount_at_end() {
	# shellcheck disable=SC2064 # the folder of now
	trap "vhdtool umount '$1' 2>/dev/null || true" EXIT
}

detach_at_end() {
	trap '[ -z "${device:-}" ] ||
		vhd-attach detach "$device" 2>/dev/null || true' EXIT
}
