/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a fuzzer's bytes mean: a description of a sparse file, so that an image
 * of many MiB is an input of some hundred bytes.
 *
 *   byte 0      bit 0: VHDX, else VHD; other bits are the target's
 *   bytes 1-4   le32, file size in units of 512 bytes
 *   byte 5      bytes the file is shorter than that
 *   then records: le32 offset in units of 512 bytes, le16 length, the bytes
 *
 * A record cut off by the end of the input is as long as the input; records
 * past the file's end are dropped. Every byte string is a valid input.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include "support/sparse.h"

#define INPUT_VHDX 1u
#define INPUT_HEAD 6u

struct input {
	uint8_t flags;
	int format; /* enum vhd_format */
	struct sparse *file;
};

/* False if the bytes are fewer than INPUT_HEAD. Free input->file. */
bool input_decode(const uint8_t *data, size_t size, struct input *out);

/* Length of the description, or 0 if it does not fit into `room`. */
size_t input_encode(const struct input *in, uint8_t *out, size_t room);

/*
 * Makes the checksums of all structures that are there right again, so that
 * mutated inputs get past them. `log` and `length` say where to look for log
 * entries; length 0: where the headers say.
 */
void input_seal(struct input *in);
void input_seal_log(struct sparse *file, uint64_t log, uint32_t length);

/*
 * A custom mutator: libFuzzer's own mutation, then, three times out of four,
 * `seal` and a canonical encoding.
 */
size_t input_mutate(uint8_t *data, size_t size, size_t room, unsigned seed,
		    void (*seal)(struct input *in));

/* libFuzzer supplies the first and calls the others. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room,
			       unsigned seed);

#endif
