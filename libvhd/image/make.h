/* SPDX-License-Identifier: BSD-2-Clause */
/* Laying out a new, empty image in an empty file. */
#ifndef VHD_IMAGE_MAKE_H
#define VHD_IMAGE_MAKE_H

#include <stdbool.h>

#include <libvhd/image.h>

/* All decided and valid; the callers in ops/create.c see to that. */
struct vhd_make {
	int format;
	int type;
	uint64_t size;
	uint64_t reserve; /* at least size: what the block table has room for */
	uint32_t block_size;
	uint32_t logical_sector_size;
	uint32_t physical_sector_size;
	bool preallocate; /* all blocks present */
	bool azure;
	struct vhd_guid id;
	struct vhd_guid write_guids[2]; /* VHDX: file, data */
	int64_t timestamp;              /* Unix time */
	/* differencing */
	struct vhd_guid parent_link;
	const char *parent_name; /* relative, '/' separators, UTF-8 */
	int64_t parent_timestamp;
};

/* Writes the image; flushes nothing. VHD_E_INVALID: a name that cannot be
 * stored. */
int vhd1_make(struct vhd_file *file, const struct vhd_make *make);
int vhdx_make(struct vhd_file *file, const struct vhd_make *make);

/* Size of the file that makes: empty, and with every block stored. */
uint64_t vhd1_make_size(const struct vhd_make *make, uint64_t blocks);
uint64_t vhdx_make_size(const struct vhd_make *make, uint64_t blocks);

#endif
