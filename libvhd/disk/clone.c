/* SPDX-License-Identifier: BSD-2-Clause */
#include "clone.h"

#include <errno.h>
#include <sys/ioctl.h>

#include <linux/fs.h>

#include "file/file.h"
#include "image/layer.h"
#include "image/writer.h"

static int clone_piece(struct vhd_image *leaf, const struct vhd_write *w,
		       int fd, uint64_t from)
{
	struct file_clone_range range = {
		.src_fd = fd,
		.src_offset = from,
		.src_length = w->length,
		.dest_offset = w->offset,
	};
	int to = vhd_file_fd(vhd_image_base_file(leaf));

	if (to < 0)
		return VHD_E_UNSUPPORTED;
	return ioctl(to, FICLONERANGE, &range) ? vhd_error_of_errno(errno) : 0;
}

int vhd_disk_clone(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		   int fd, uint64_t from)
{
	struct vhd_image *leaf = disk->layers[0].image;
	int rc = 0;

	while (length && !rc) {
		struct vhd_write w;

		rc = vhd_image_write_begin(leaf, offset, length, &w);
		if (rc)
			break;
		rc = clone_piece(leaf, &w, fd, from);
		if (rc)
			vhd_image_write_abort(leaf, &w);
		else
			rc = vhd_image_write_commit(leaf, &w);
		offset += w.length;
		from += w.length;
		length -= w.length;
	}
	return rc;
}
