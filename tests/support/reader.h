/* SPDX-License-Identifier: BSD-2-Clause */
/* The loader's reader over a sparse file, with the memory it needs. */
#ifndef TESTS_SUPPORT_READER_H
#define TESTS_SUPPORT_READER_H

#include "support/sparse.h"

struct reader {
	struct vhd_boot *boot; /* NULL if opening failed */
	void *state;
	void *window;
	size_t window_size;
};

/* VHD_BOOT_WINDOW bytes of window; drop it also after a failure. */
int reader_open(struct reader *r, struct sparse *file, int format);
int reader_open_window(struct reader *r, struct sparse *file, int format,
		       size_t window_size);
void reader_drop(struct reader *r);

/* One byte of the virtual disk; aborts on a read error. */
uint8_t reader_byte(struct reader *r, uint64_t offset);

#endif
