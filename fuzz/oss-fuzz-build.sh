#!/bin/bash -eu
# SPDX-License-Identifier: BSD-2-Clause
#
# build.sh of a project at OSS-Fuzz, which sets $SRC, $OUT, $WORK, $CC, $CFLAGS,
# $CXX, $CXXFLAGS and $LIB_FUZZING_ENGINE. Wants cmake, ninja, pkg-config and
# the headers of jansson. Tried by hand:
#
#	CC=clang CFLAGS='-O1 -g -fsanitize=address,fuzzer-no-link' \
#	LIB_FUZZING_ENGINE=-fsanitize=fuzzer OUT=/tmp/out \
#	fuzz/oss-fuzz-build.sh
#
# Only what the fuzzers need is built: where they run there are no libraries.
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${WORK:-$source/build}/oss-fuzz
off=()
for part in OPENSSL ZLIB URING FUSE FSMAP GRUB UEFI LINUX_BOOT; do
	off+=("-DVHD_WITH_$part=OFF")
done

cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None \
	-DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS" \
	-DCMAKE_CXX_COMPILER="${CXX:-clang++}" \
	-DCMAKE_CXX_FLAGS="${CXXFLAGS:-$CFLAGS}" \
	-DCMAKE_EXE_LINKER_FLAGS=-Wl,--as-needed \
	-DVHD_TESTS=OFF -DVHD_MAN=OFF -DVHD_FUZZ=ON \
	-DVHD_FUZZ_ENGINE="$LIB_FUZZING_ENGINE" "${off[@]}"
cmake --build "$build" -j "$(nproc)" --target fuzzers

mkdir -p "$OUT"
for folder in "$source"/fuzz/corpus/fuzz_*; do
	name=${folder##*/}
	[ -x "$build/fuzz/$name" ] || continue
	cp "$build/fuzz/$name" "$OUT/"
	python3 -m zipfile -c "$OUT/${name}_seed_corpus.zip" "$folder"/*
	words=$("$source/fuzz/dictionary" "$name")
	[ -z "$words" ] || cp "$words" "$OUT/$name.dict"
done
