# SPDX-License-Identifier: BSD-2-Clause
# What the command-line tests share. VHDTOOL is the program under test, CORPUS
# a folder of .xz images that may be absent.
bats_require_minimum_version 1.5.0

setup() {
	: "${VHDTOOL:?set VHDTOOL to the vhdtool to be tested}"
	cd "$BATS_TEST_TMPDIR" || return 1
}

vhdtool() {
	"$VHDTOOL" "$@"
}

need() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "no $program here"
	done
}

# need_strace: strace is there and may trace
need_strace() {
	need strace
	strace -o trace true || skip "strace may not trace"
}

# traced OPTION... PROGRAM...: strace; the leak sanitizer cannot work below it
traced() {
	ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" \
		strace -o trace "$@"
}

# corpus NAME...: unpacks images into the current folder
corpus() {
	local name
	need xz
	for name in "$@"; do
		[ -e "$CORPUS/$name.xz" ] || skip "no $name in the corpus"
		xz -dc "$CORPUS/$name.xz" | dd of="$(basename "$name")" \
			conv=sparse bs=64k status=none
	done
}

# footer SIZE CREATOR: a valid fixed VHD footer for SIZE bytes, on stdout
footer() {
	local hex sum=0 i byte
	hex=$(printf conectix | od -An -v -tx1 | tr -d ' \n')
	hex+=0000000200010000ffffffffffffffff2a000000
	hex+=$(printf %-4.4s "$2" | od -An -v -tx1 | tr -d ' \n')
	hex+=000100005769326b$(printf %016x%016x "$1" "$1")
	hex+=ffff10ff00000002
	for ((i = 0; i < ${#hex}; i += 2)); do
		sum=$((sum + 16#${hex:i:2}))
	done
	for byte in 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff 01; do
		sum=$((sum + 16#$byte))
	done
	hex+=$(printf %08x $(((~sum) & 0xffffffff)))
	hex+=112233445566778899aabbccddeeff01
	for ((i = 0; i < ${#hex}; i += 2)); do
		printf "\\x${hex:i:2}"
	done
	head -c $((512 - ${#hex} / 2)) /dev/zero
}

# be32 NUMBER: its four bytes
be32() {
	printf "%b" "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 >> 24 & 255)) \
		$(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"
}

# suspend VHD: both footers say that a machine is suspended with it
suspend() {
	local at sum
	for at in 0 $(($(stat -c %s "$1") - 512)); do
		[ "$(dd if="$1" bs=1 skip="$at" count=8 status=none |
			tr -d '\0')" = conectix ] || continue
		sum=$((16#$(od -An -tx1 -j $((at + 64)) -N 4 "$1" |
			tr -d ' ')))
		printf '\x01' | dd of="$1" bs=1 seek=$((at + 84)) \
			conv=notrunc status=none
		be32 $((sum - 1)) | dd of="$1" bs=1 seek=$((at + 64)) \
			conv=notrunc status=none
	done
}

# fixed_vhd FILE: 1 MiB of text as a fixed VHD; the content also as FILE.content
fixed_vhd() {
	yes "line of a guest" | head -c 1048576 >"$1.content"
	cp "$1.content" "$1"
	footer 1048576 "${2:-test}" >>"$1"
}

# sparse_raw FILE: a raw disk with data and holes
sparse_raw() {
	truncate -s 16M "$1"
	yes data | head -c 1048576 | dd of="$1" bs=64k seek=32 conv=notrunc \
		status=none
	printf end | dd of="$1" bs=1 seek=16777213 conv=notrunc status=none
}

# vhdx FILE FROM: a dynamic VHDX with the content of a raw file
vhdx() {
	need qemu-img
	qemu-img convert -f raw -O vhdx -o subformat=dynamic,block_size=1M \
		"$2" "$1"
}

# random_raw FILE: a raw disk of 24 MiB whose data begin and end anywhere
random_raw() {
	truncate -s 24M "$1"
	local place
	for place in "0 3" "4095 2" "9000 3000" "20480 4096" "49151 1"; do
		set -- "$1" $place
		dd if=/dev/urandom of="$1" bs=512 seek="$2" count="$3" \
			conv=notrunc status=none
	done
}

# qemu_name FILE: what QEMU calls the format of a file
qemu_name() {
	case $1 in
	*.vhd | *.avhd) echo vpc ;;
	*.vhdx | *.avhdx) echo vhdx ;;
	*) echo raw ;;
	esac
}

# same_in_qemu IMAGE RAW: QEMU reads the same content and size
same_in_qemu() {
	local format
	need qemu-img
	format=$(qemu_name "$1")
	[ "$(qemu-img info --output=json -f "$format" "$1" |
		jq '."virtual-size"')" = "$(stat -c %s "$2")" ]
	qemu-img convert -f "$format" -O raw "$1" from-qemu.raw
	cmp from-qemu.raw "$2"
	[ "$format" != vhdx ] || qemu-img check -q -f vhdx "$1"
}

# has_read PID BYTES: true once the process has read so much, or is gone
has_read() {
	while [ -d "/proc/$1" ] &&
		[ "$(awk '/^rchar/ { print $2 }' "/proc/$1/io")" -lt "$2" ]; do
		:
	done 2>/dev/null
}

# has_written PID BYTES: true once the process has written so much, or is gone
has_written() {
	while [ -d "/proc/$1" ] &&
		[ "$(awk '/^wchar/ { print $2 }' "/proc/$1/io")" -lt "$2" ]; do
		:
	done 2>/dev/null
}

# has_keys JSON KEY...: fails with the name of the first key that is missing
has_keys() {
	local json=$1 key
	shift
	for key in "$@"; do
		jq -e --arg key "$key" 'has($key)' <<<"$json" >/dev/null || {
			echo "key $key is missing"
			return 1
		}
	done
}

# status WANT COMMAND...: runs it with stdout and stderr apart
status() {
	local want=$1
	shift
	run --separate-stderr -"$want" "$@"
}
