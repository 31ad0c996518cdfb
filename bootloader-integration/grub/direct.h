/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading a file past its file system: GRUB's copy each block twice more, byte
 * by byte, through the disk cache, of which the image's disk has one already.
 */
#ifndef VHD_GRUB_DIRECT_H
#define VHD_GRUB_DIRECT_H

#include <grub/file.h>

struct vhd_direct {
	grub_file_t file;
	unsigned block_shift; /* of the file system; 0: always through it */
	int is_proven;        /* one read was held against the file system's */
	int keeps_trees;      /* of extents, each leaf in a block */
	/* what was found last: so many blocks from `block` on lie in one piece
	 * from a sector of 512 bytes on. 0: not stored, or not known. */
	grub_uint64_t block, count;
	grub_disk_addr_t sector;
};

/* For a file that was just opened; finds out whether this can be done. */
void vhd_direct_start(struct vhd_direct *d, grub_file_t file);

/*
 * Reads from the device what lies there in one piece, at most `len` bytes.
 * Returns how many; 0, and no error: they are to be read through the file
 * system, which may be those up to the end of a block, vhd_direct_rest(),
 * alone.
 */
grub_size_t vhd_direct_read(struct vhd_direct *d, grub_off_t offset, void *buf,
			    grub_size_t len);

/* The bytes, at most `len`, up to where vhd_direct_read() may be tried again.
 */
grub_size_t vhd_direct_rest(const struct vhd_direct *d, grub_off_t offset,
			    grub_size_t len);

#endif
