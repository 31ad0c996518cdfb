/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes of a device that knows blocks only. Whole blocks into memory aligned
 * as the device wants it are read there; the rest goes through a buffer.
 */
#ifndef VHDBOOT_BLOCKS_H
#define VHDBOOT_BLOCKS_H

#include <libvhd/boot.h>

#define BLOCKS_SIZE_MAX 4096u
#define BLOCKS_BOUNCE   ((size_t)64 << 10)

struct blocks {
	void *ctx;
	/* `bytes` is a number of whole blocks; 0 or VHD_E_* */
	int (*read)(void *ctx, uint64_t block, void *buf, size_t bytes);
	uint64_t count;
	uint32_t size;  /* of a block: a power of two, 512 to 4096 */
	uint32_t align; /* of memory: a power of two, at most 4096 */
	uint8_t *bounce;
	void *memory; /* of bounce */
};

/* Takes memory for the buffer. The other fields have been set. */
int blocks_start(struct blocks *blocks, struct vhd_diag *diag);
void blocks_stop(struct blocks *blocks);

/* The device as a source of bytes; `blocks` stays where it is. */
struct vhd_source blocks_source(struct blocks *blocks);

#endif
