/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fuzz target under AFL++, many inputs a process:
 *
 *   PROGRAM               what afl-fuzz runs; without it, one input from stdin
 *   PROGRAM IN [OUT]      runs the file IN; OUT is what the target got to see
 *
 * AFL++ knows nothing of checksums: where a target has a mutator of its own,
 * every second input gets its sums right first. OUT has them too, so it is what
 * belongs into fuzz/corpus.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "input.h"

#define INPUT_MAX ((size_t)1 << 20)

#ifdef __AFL_FUZZ_TESTCASE_LEN
__AFL_FUZZ_INIT();
#else /* another compiler: a single round */
static unsigned char stdin_bytes[INPUT_MAX];
static int rounds;
#	define __AFL_INIT()            (void)0
#	define __AFL_LOOP(n)           (rounds++ == 0)
#	define __AFL_FUZZ_TESTCASE_BUF stdin_bytes
#	define __AFL_FUZZ_TESTCASE_LEN                                        \
		read(0, stdin_bytes, sizeof(stdin_bytes))
#endif

static uint8_t bytes[INPUT_MAX];

/* some targets have none */
#pragma weak LLVMFuzzerCustomMutator

/* AFL++ has mutated already */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room)
{
	(void)data;
	return size < room ? size : room;
}

/* the mutators look at bits of the seed: to seal, and which file of several */
static size_t seal(size_t size)
{
	if (!LLVMFuzzerCustomMutator || !size || size % 2)
		return size;
	for (unsigned file = 0; file < 4; file++)
		size = LLVMFuzzerCustomMutator(bytes, size, sizeof(bytes),
					       16 * file + 1);
	return size;
}

static int run_file(const char *in, const char *out)
{
	FILE *file = fopen(in, "rb");
	size_t n;

	if (!file) {
		perror(in);
		return 1;
	}
	n = seal(fread(bytes, 1, sizeof(bytes), file));
	fclose(file);
	file = out ? fopen(out, "wb") : NULL;
	if (out && (!file || fwrite(bytes, 1, n, file) != n || fclose(file))) {
		perror(out);
		return 1;
	}
	LLVMFuzzerTestOneInput(bytes, n);
	return 0;
}

int main(int argc, char **argv)
{
	const unsigned char *shared;

	if (argc > 1)
		return run_file(argv[1], argc > 2 ? argv[2] : NULL);
	__AFL_INIT();
	shared = __AFL_FUZZ_TESTCASE_BUF;
	while (__AFL_LOOP(1000)) {
		ssize_t n = __AFL_FUZZ_TESTCASE_LEN;

		if (n < 0 || (size_t)n > sizeof(bytes))
			continue;
		memcpy(bytes, shared, (size_t)n);
		LLVMFuzzerTestOneInput(bytes, seal((size_t)n));
	}
	return 0;
}
