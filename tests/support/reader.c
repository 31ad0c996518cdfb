/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/reader.h"

#include <stdlib.h>

int reader_open_window(struct reader *r, struct sparse *file, int format,
		       size_t window_size)
{
	struct vhd_source source = sparse_source(file);

	*r = (struct reader){
		.state = aligned_alloc(16, (vhd_boot_size() + 15) & ~15ul),
		.window = aligned_alloc(16, (window_size + 15) & ~15ul),
		.window_size = window_size,
	};
	if (!r->state || !r->window)
		abort();
	return vhd_boot_open(r->state, &source, format, r->window, window_size,
			     &r->boot, NULL);
}

int reader_open(struct reader *r, struct sparse *file, int format)
{
	return reader_open_window(r, file, format, VHD_BOOT_WINDOW);
}

void reader_drop(struct reader *r)
{
	free(r->state);
	free(r->window);
	*r = (struct reader){0};
}

uint8_t reader_byte(struct reader *r, uint64_t offset)
{
	uint8_t byte;

	if (vhd_boot_read(r->boot, offset, &byte, 1))
		abort();
	return byte;
}
