/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that file content passes through. It lies on a page: some processors
 * copy several times slower where the places of source and target in their
 * pages differ by a little, as those of malloc() and the page cache do.
 */
#ifndef VHD_OPS_BUFFER_H
#define VHD_OPS_BUFFER_H

#include <stdint.h>
#include <stdlib.h>

#define VHD_BUFFER_ALIGN ((size_t)4096)

/* `size` is a multiple of VHD_BUFFER_ALIGN; for free(). NULL without memory. */
static inline uint8_t *vhd_buffer_new(size_t size)
{
	return aligned_alloc(VHD_BUFFER_ALIGN, size);
}

#endif
