/* SPDX-License-Identifier: BSD-2-Clause */
/* Showing on-disk structures from tables of their fields. */
#ifndef VHD_IMAGE_DUMP_H
#define VHD_IMAGE_DUMP_H

#include <libvhd/image.h>

#include "file/file.h"

enum vhd_dump_kind {
	VHD_DUMP_TEXT, /* ASCII */
	VHD_DUMP_BE,   /* unsigned, 1 to 8 bytes, decimal and hex */
	VHD_DUMP_LE,
	VHD_DUMP_GUID, /* Microsoft's order */
	VHD_DUMP_ID,   /* VHD unique id, either order */
	VHD_DUMP_UTF16BE,
	VHD_DUMP_UTF16LE,
	VHD_DUMP_TIME,  /* BE, seconds since 2000 */
	VHD_DUMP_BYTES, /* hex, or "zero" */
};

struct vhd_dump_row {
	const char *name;
	uint32_t offset;
	uint32_t size;
	enum vhd_dump_kind kind;
};

struct vhd_dump {
	struct vhd_file *file;
	uint64_t file_size;
	vhd_field_fn *field;
	void *ctx;
	uint8_t *buf; /* VHDX_SCRATCH bytes */
};

/* One made-up field: what a structure as a whole is, or why it is not shown. */
void vhd_dump_note(const struct vhd_dump *d, const char *structure,
		   uint64_t base, const char *name, const char *value);

/* All rows of a structure whose bytes are at `bytes`. */
void vhd_dump_rows(const struct vhd_dump *d, const char *structure,
		   uint64_t base, const uint8_t *bytes,
		   const struct vhd_dump_row *rows, size_t count);

/* Reads `size` bytes at `base` into d->buf; notes it if that fails. */
bool vhd_dump_read(const struct vhd_dump *d, const char *structure,
		   uint64_t base, size_t size);

void vhd_dump_vhd1(struct vhd_dump *d);
void vhd_dump_vhdx(struct vhd_dump *d);

/* The block table of an image that opens, entry by entry. */
void vhd_dump_table(const struct vhd_dump *d, int format);

#endif
