/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes that come in order and only once: standard input, or a file that is
 * compressed (gzip). What a pipe delivers in small pieces arrives in large
 * ones.
 */
#ifndef TOOLS_INPUT_H
#define TOOLS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "progress.h"

struct input;

/*
 * Opens standard input ("-") or a file. Returns an enum tool_exit, failures
 * printed. gzip: the bytes are decompressed; TOOL_FAILED in a build without
 * zlib.
 */
int input_open(const char *path, bool gzip, struct input **out);
void input_close(struct input *input);

/* What to call it in messages; static or the path. */
const char *input_name(const struct input *input);

/*
 * True if it is known how many bytes are still to come: a regular file that is
 * not compressed.
 */
bool input_length(const struct input *input, uint64_t *length);

/*
 * Fills buf; *got is less than len only at the end. Ends with TOOL_FAILED,
 * printed, on an error, or when a signal canceled the progress.
 */
int input_read(struct input *input, void *buf, size_t len,
	       struct progress *progress, size_t *got);

#endif
