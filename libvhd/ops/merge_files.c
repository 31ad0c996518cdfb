/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a merge does to files beside those it writes: it spares images that
 * depend on the chain, lets children of the merged image name their new parent,
 * and removes what is not needed any more.
 *
 * Removing goes from the ancestor up, so that no layer is left on a parent that
 * is not what it was; but first the child, which goes last, names the ancestor,
 * and a note beside it the images between (merge_note.c). So a merge that is
 * cut off here is completed by running it again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/diag.h"
#include "disk/claim.h"
#include "file/file.h"
#include "link.h"
#include "merge.h"
#include "merge_note.h"
#include "output.h"

/* -- children ----------------------------------------------------------------
 */

struct looking {
	struct vhd_disk *disk;
	unsigned layer; /* whose children are looked for */
	char other[4096];
};

static int found_child(void *ctx, const char *path)
{
	struct looking *l = ctx;

	if (vhd_disk_is_file(l->disk, l->layer - 1, path))
		return 0;
	snprintf(l->other, sizeof(l->other), "%s", path);
	return VHD_E_CHILDREN;
}

static int refuse(const struct looking *l, struct vhd_diag *diag)
{
	const char *name = strrchr(l->other, '/');

	vhd_output_fail(diag, VHD_E_CHILDREN, vhd_disk_path(l->disk, l->layer),
			"");
	if (diag)
		snprintf(diag->text, sizeof(diag->text),
			 "is the parent of '%.160s' too, which merging would "
			 "spoil",
			 name ? name + 1 : l->other);
	return vhd_hint(diag, VHD_E_CHILDREN,
			"--ignore-children merges all the same");
}

/* VHD_E_CHILDREN if one was found that is not the layer above */
static int look(struct looking *l, struct vhd_diag *diag)
{
	return vhd_find_children(vhd_disk_path(l->disk, l->layer),
				 vhd_image_format(vhd_disk_image(l->disk, 0)),
				 found_child, l, diag);
}

int vhd_merge_refuse_others(struct vhd_disk *disk, unsigned layer,
			    struct vhd_diag *diag)
{
	struct looking l = {.disk = disk, .layer = layer};
	int rc = look(&l, diag);

	return rc == VHD_E_CHILDREN ? refuse(&l, diag) : rc;
}

int vhd_merge_refuse_children(struct vhd_disk *disk, unsigned into,
			      struct vhd_diag *diag)
{
	bool done = false;
	int rc = 0;

	for (unsigned i = 1; i <= into && !rc; i++) {
		struct looking l = {.disk = disk, .layer = i};

		rc = look(&l, diag);
		if (rc != VHD_E_CHILDREN)
			continue;
		/* the last steps of a merge make children of the ancestor */
		rc = i == into ? vhd_merge_is_done(disk, into, &done, diag) : 0;
		if (!rc && !done)
			rc = refuse(&l, diag);
	}
	return rc;
}

/* Paths of children, collected before the first of them is changed. */
struct paths {
	char **items;
	size_t count;
};

static int collect(void *ctx, const char *path)
{
	struct paths *p = ctx;
	char **items = realloc(p->items, (p->count + 1) * sizeof(*items));

	if (!items)
		return VHD_E_NOMEM;
	p->items = items;
	items[p->count] = strdup(path);
	if (!items[p->count])
		return VHD_E_NOMEM;
	p->count++;
	return 0;
}

static void free_paths(struct paths *p)
{
	while (p->count)
		free(p->items[--p->count]);
	free(p->items);
}

static int relink_child(const char *path, struct vhd_disk *disk, unsigned into,
			struct vhd_diag *diag)
{
	struct vhd_image *parent = vhd_disk_image(disk, into);
	const struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = vhd_image_format(parent),
		.flags =
			VHD_DISK_WRITE | VHD_DISK_LAYER | VHD_DISK_SAME_CONTENT,
	};
	struct vhd_disk *child;
	int rc = vhd_disk_open(path, &options, &child, diag);

	if (rc)
		return rc;
	rc = vhd_link_by_path(vhd_disk_image(child, 0), path, parent,
			      vhd_disk_path(disk, into), diag);
	if (!rc)
		rc = vhd_disk_shut(child, diag);
	vhd_disk_close(child);
	if (rc)
		vhd_output_fail_path(diag, path);
	return rc;
}

int vhd_merge_relink(struct vhd_disk *disk, unsigned into,
		     struct vhd_diag *diag)
{
	struct paths p = {0};
	int rc = vhd_find_children(vhd_disk_path(disk, 0),
				   vhd_image_format(vhd_disk_image(disk, 0)),
				   collect, &p, diag);

	for (size_t i = 0; i < p.count && !rc; i++)
		rc = relink_child(p.items[i], disk, into, diag);
	free_paths(&p);
	return rc;
}

/* -- removing ----------------------------------------------------------------
 */

static int fail_errno(struct vhd_diag *diag, const char *path, const char *text)
{
	return vhd_output_fail(diag, vhd_error_of_errno(errno), path,
			       vhd_errno_text(errno, text));
}

/* makes the names in the folder of a file, given by its real path, durable */
static int flush_folder(const char *path, struct vhd_diag *diag)
{
	char *folder = strdup(path);
	int fd, rc = 0;

	if (!folder)
		return VHD_E_NOMEM;
	*(strrchr(folder, '/') + (strrchr(folder, '/') == folder)) = '\0';
	fd = (int)TEMP_FAILURE_RETRY(
		open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (fd < 0 || TEMP_FAILURE_RETRY(fsync(fd)))
		rc = fail_errno(diag, folder, "cannot be flushed");
	if (fd >= 0)
		close(fd);
	free(folder);
	return rc;
}

int vhd_merge_delete_layer(struct vhd_disk *disk, unsigned layer,
			   struct vhd_diag *diag)
{
	const char *path = vhd_disk_path(disk, layer);
	char *real = realpath(path, NULL);
	int rc;

	if (!real || !vhd_disk_is_file(disk, layer, real))
		rc = vhd_output_fail(diag, VHD_E_MISMATCH, path,
				     "was replaced meanwhile, and is not "
				     "deleted");
	else if (unlink(real))
		rc = fail_errno(diag, path, "cannot be deleted");
	else
		rc = flush_folder(real, diag);
	free(real);
	return rc;
}

/* the child over the ancestor alone, which shows the same */
static int shorten(struct vhd_disk *disk, unsigned into, struct vhd_diag *diag)
{
	struct vhd_disk *child = NULL;
	int rc = vhd_disk_claim(disk, 0, VHD_DISK_WRITE | VHD_DISK_SAME_CONTENT,
				diag);

	if (rc)
		return rc;
	rc = vhd_link_by_path(vhd_disk_image(disk, 0), vhd_disk_path(disk, 0),
			      vhd_disk_image(disk, into),
			      vhd_disk_path(disk, into), diag);
	if (rc) {
		vhd_output_fail_path(diag, vhd_disk_path(disk, 0));
		return rc;
	}
	rc = vhd_disk_view(disk, 0, &child);
	if (!rc)
		rc = vhd_disk_shut(child, diag);
	vhd_disk_view_close(child);
	return rc;
}

/* durably, before the child goes: without it nobody would look at the note */
static int forget_note(struct vhd_disk *disk, struct vhd_diag *diag)
{
	const char *path = vhd_disk_path(disk, 0);
	bool was_there = false;
	int rc = vhd_merge_forget_note(disk, &was_there, diag);
	char *real;

	if (rc || !was_there)
		return rc;
	real = realpath(path, NULL);
	rc = real ? flush_folder(real, diag)
		  : fail_errno(diag, path, "cannot be found");
	free(real);
	return rc;
}

static int prepare(struct vhd_disk *disk, unsigned into, struct vhd_diag *diag)
{
	int rc;

	if (into == 1)
		return vhd_merge_remove_noted(disk, diag);
	rc = vhd_merge_note(disk, into, diag);
	return rc ? rc : shorten(disk, into, diag);
}

int vhd_merge_delete(struct vhd_disk *disk, unsigned into,
		     struct vhd_diag *diag)
{
	int rc = prepare(disk, into, diag);

	for (unsigned i = into; i > 1 && !rc; i--)
		rc = vhd_merge_delete_layer(disk, i - 1, diag);
	if (!rc)
		rc = forget_note(disk, diag);
	return rc ? rc : vhd_merge_delete_layer(disk, 0, diag);
}
