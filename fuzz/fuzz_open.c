/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any file as an image: both readers must open it or refuse it alike, map the
 * same extents and read the same bytes; check, dump and log must survive it.
 */
#include "both.h"
#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;

	if (!input_decode(data, size, &in))
		return 0;
	both_compare(in.file, in.format);
	both_look_inside(in.file, in.format);
	sparse_free(in.file);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room,
			       unsigned seed)
{
	return input_mutate(data, size, room, seed, input_seal);
}
