/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a chain of clusters to extents. The chain is followed to its end, even
 * when it is longer than the file (room that was reserved for it): only so is
 * it sure that it has an end, and that no cluster comes twice.
 */
#include "core/checked.h"
#include "core/diag.h"
#include "core/mem.h"
#include "parts.h"

/* extents as they come; what does not fit is counted only */
struct list {
	struct hostfs_file *file;
	struct hostfs_extent last;
	uint32_t count;
};

static void push(struct list *list)
{
	if (!list->last.length)
		return;
	if (list->count < list->file->room)
		list->file->extents[list->count] = list->last;
	list->count++;
}

static void add(struct list *list, uint64_t start, uint64_t length,
		uint64_t offset)
{
	struct hostfs_extent *last = &list->last;

	if (!length)
		return;
	if (last->length && offset != HOSTFS_ZEROS &&
	    last->offset + last->length == offset) {
		last->length += length;
		return;
	}
	push(list);
	*last = (struct hostfs_extent){start, length, offset};
}

/* the part of a piece that is data; the rest is for the end */
static void add_valid(struct list *list, const struct hostfs_node *node,
		      uint64_t start, uint64_t length, uint64_t offset)
{
	if (start < node->valid)
		add(list, start, vhd_min(length, node->valid - start), offset);
}

static int corrupt(struct vhd_diag *diag, int rc, const char *text)
{
	if (rc != VHD_E_CORRUPT)
		return rc;
	return vhd_fail(diag, rc, "file system", VHD_NO_OFFSET, text);
}

static int follow_chain(struct hostfs *fs, const struct hostfs_node *node,
			struct list *list, struct vhd_diag *diag)
{
	uint64_t size = (uint64_t)1 << fs->cluster_shift, at = 0;
	struct hostfs_walk walk;
	int rc = 0;

	hostfs_walk_start(&walk, node);
	for (; walk.cluster && !rc; at += size) {
		if (at < node->size)
			add_valid(list, node, at,
				  vhd_min(size, node->size - at),
				  hostfs_cluster_offset(fs, walk.cluster));
		rc = hostfs_walk_next(fs, &walk);
	}
	if (!rc && at < node->size)
		rc = VHD_E_CORRUPT;
	return corrupt(diag, rc,
		       "the chain of the file's clusters is broken, or comes "
		       "back to itself");
}

static int take_run(struct hostfs *fs, const struct hostfs_node *node,
		    struct list *list, struct vhd_diag *diag)
{
	uint64_t before = node->cluster - 2;

	if (vhd_shift_up(node->size, fs->cluster_shift) > fs->clusters - before)
		return corrupt(diag, VHD_E_CORRUPT,
			       "the file passes the end of the volume");
	add_valid(list, node, 0, node->size,
		  hostfs_cluster_offset(fs, node->cluster));
	return 0;
}

static int check_node(const struct hostfs *fs, const struct hostfs_node *node,
		      struct vhd_diag *diag)
{
	bool fits = hostfs_is_cluster(fs, node->cluster) &&
		    vhd_shift_up(node->size, fs->cluster_shift) <= fs->clusters;

	if (node->valid > node->size || (node->size && !fits))
		return corrupt(diag, VHD_E_CORRUPT,
			       "the file's size or its place is impossible");
	return 0;
}

int hostfs_map(struct hostfs *fs, const struct hostfs_node *node,
	       struct hostfs_file *file, struct vhd_diag *diag)
{
	struct list list = {.file = file};
	int rc = check_node(fs, node, diag);

	if (!rc && node->size)
		rc = node->contiguous ? take_run(fs, node, &list, diag)
				      : follow_chain(fs, node, &list, diag);
	if (rc)
		return rc;
	add(&list, node->valid, node->size - node->valid, HOSTFS_ZEROS);
	push(&list);
	file->count = list.count;
	if (list.count > file->room)
		return vhd_fail(diag, VHD_E_LIMIT, "file system", VHD_NO_OFFSET,
				"the file is in too many pieces");
	file->size = node->size;
	return 0;
}

/* the extent that holds `offset`; there is one */
static const struct hostfs_extent *holder(const struct hostfs_file *file,
					  uint64_t offset)
{
	uint32_t low = 0, high = file->count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (file->extents[middle].start <= offset)
			low = middle;
		else
			high = middle;
	}
	return file->extents + low;
}

int hostfs_read(const struct vhd_source *volume, const struct hostfs_file *file,
		uint64_t offset, void *buf, size_t len)
{
	uint8_t *to = buf;
	int rc = 0;

	if (!vhd_inside(offset, len, file->size))
		return VHD_E_RANGE;
	while (len && !rc) {
		const struct hostfs_extent *e = holder(file, offset);
		uint64_t skip = offset - e->start;
		size_t n = (size_t)vhd_min(len, e->length - skip);

		if (e->offset == HOSTFS_ZEROS)
			memset(to, 0, n);
		else
			rc = volume->read_at(volume->ctx, e->offset + skip, to,
					     n);
		to += n;
		offset += n;
		len -= n;
	}
	return rc;
}
