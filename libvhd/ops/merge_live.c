/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Merging in the middle of a chain that is in use. The layers from `top` to
 * `into` become the images that the merge reads and writes (vhd_disk_claim());
 * the disk reads through the same images. What the merge writes into the
 * ancestor is hidden by the layers above it until it is complete (merge.c), so
 * it does not matter when a reader comes. Then
 *
 *   the heir, the layer above `top`, names the ancestor as its parent
 *   files are deleted, if that is wanted
 *   the disk drops the layers [top, into)
 *
 * The heir is the leaf, or an image that is claimed as well. All requests wait
 * while identities, locators and tables change. At the end all parents are as
 * they were: open for reading, under a shared lock.
 */
#include <string.h>

#include "core/checked.h"
#include "core/diag.h"
#include "disk/claim.h"
#include "link.h"
#include "merge.h"

struct live {
	struct vhd_disk *disk;
	const struct vhd_merge_options *options;
	unsigned top;
	unsigned into;
	struct vhd_job *job;
	struct vhd_diag *diag;
};

static int fail(const struct live *l, int rc, const char *text)
{
	return vhd_fail(l->diag, rc, NULL, VHD_NO_OFFSET, text);
}

/* -- which layers ------------------------------------------------------------
 */

static int find_layer(const struct live *l, const char *path, unsigned normally,
		      unsigned *out)
{
	unsigned count = vhd_disk_layers(l->disk);

	for (*out = normally; path && *out < count; ++*out)
		if (vhd_disk_is_file(l->disk, *out, path))
			return 0;
	if (*out < count)
		return 0;
	return fail(l, VHD_E_INVALID,
		    path ? "is no such layer of the disk"
			 : "has no image in the middle that could be merged");
}

static int find_layers(struct live *l)
{
	int rc = find_layer(l, l->options->from, 1, &l->top);

	return rc ? rc : find_layer(l, l->options->into, l->top + 1, &l->into);
}

static int refuse_children(struct live *l)
{
	int rc = 0;

	if (l->options->flags & VHD_MERGE_IGNORE_CHILDREN)
		return 0;
	for (unsigned i = l->top; i <= l->into && !rc; i++)
		rc = vhd_merge_refuse_others(l->disk, i, l->diag);
	return rc;
}

static int check(struct live *l)
{
	int rc = 0;

	if (!vhd_disk_is_active(l->disk))
		rc = fail(l, VHD_E_BUSY, "the disk was handed over");
	else if (!vhd_disk_is_writable(l->disk))
		rc = fail(l, VHD_E_READONLY, vhd_strerror(VHD_E_READONLY));
	if (!rc)
		rc = find_layers(l);
	if (!rc)
		rc = vhd_merge_refuse_saved(l->disk, l->into, l->diag);
	return rc ? rc : refuse_children(l);
}

/* -- doing it ----------------------------------------------------------------
 */

static int claim(struct live *l)
{
	int rc = 0;

	if (l->top > 1) /* the heir is not the leaf */
		rc = vhd_disk_claim(l->disk, l->top - 1,
				    VHD_DISK_WRITE | VHD_DISK_SAME_CONTENT,
				    l->diag);
	return rc ? rc : vhd_merge_claim(l->disk, l->top, l->into, l->diag);
}

static int merge(struct live *l)
{
	struct vhd_disk *part;
	int rc = vhd_disk_view(l->disk, l->top, &part);

	if (rc)
		return fail(l, rc, vhd_strerror(rc));
	rc = vhd_merge_claimed(part, l->into - l->top, l->disk, l->options,
			       l->job, l->diag);
	vhd_disk_view_close(part);
	return rc;
}

/* the heir over the ancestor alone, which shows the same */
static int relink(struct live *l)
{
	int rc;

	vhd_disk_stop(l->disk);
	rc = vhd_link_by_path(vhd_disk_image(l->disk, l->top - 1),
			      vhd_disk_path(l->disk, l->top - 1),
			      vhd_disk_image(l->disk, l->into),
			      vhd_disk_path(l->disk, l->into), l->diag);
	vhd_disk_go_on(l->disk);
	return rc;
}

static int delete_files(struct live *l)
{
	int rc = 0;

	if (!(l->options->flags & VHD_MERGE_DELETE))
		return 0;
	for (unsigned i = l->into; i-- > l->top && !rc;)
		rc = vhd_merge_delete_layer(l->disk, i, l->diag);
	return rc;
}

/* the layers [top, into) are gone */
static void drop_layers(struct live *l)
{
	vhd_disk_drop_layers(l->disk, l->top, l->into);
	l->into = l->top;
}

/* the heir, if it was claimed, and all that was merged are parents again */
static int settle(struct live *l, int rc)
{
	unsigned first = l->top > 1 ? l->top - 1 : l->top;
	int end = 0;

	for (unsigned i = first; i <= l->into; i++) {
		int one = vhd_disk_unclaim(l->disk, i);

		end = end ? end : one;
	}
	if (!rc && end)
		return fail(l, end, vhd_strerror(end));
	return rc;
}

static int run(struct live *l)
{
	int rc = claim(l), deleted;

	if (!rc)
		rc = merge(l);
	if (!rc)
		rc = relink(l);
	if (rc)
		return rc;
	deleted = delete_files(l);
	drop_layers(l);
	return deleted;
}

int vhd_merge_between(struct vhd_disk *disk, unsigned top, unsigned into,
		      const struct vhd_merge_options *options,
		      struct vhd_job *job, struct vhd_diag *diag)
{
	struct live l = {disk, options, top, into, job, diag};

	return settle(&l, run(&l));
}

int vhd_merge_disk(struct vhd_disk *disk,
		   const struct vhd_merge_options *options, struct vhd_job *job,
		   struct vhd_diag *diag)
{
	struct vhd_merge_options o = {0};
	struct live l = {.disk = disk, .options = &o, .diag = diag};
	int rc;

	memcpy(&o, options, vhd_min(options->size, sizeof(o)));
	rc = check(&l);
	return rc ? rc : vhd_merge_between(disk, l.top, l.into, &o, job, diag);
}
