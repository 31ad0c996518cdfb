/* SPDX-License-Identifier: BSD-2-Clause */
/* What must be true of a family at any time, and at the end. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/checked.h"
#include "support/family.h"

bool family_complain(struct family *f, const char *what, int rc,
		     const struct vhd_diag *diag)
{
	f->failed = true;
	f->where(f->ctx);
	fputs(what, stderr);
	if (rc)
		fprintf(stderr, ": %s", vhd_strerror(rc));
	if (diag && diag->text[0])
		fprintf(stderr, ": %s: %s (offset %" PRId64 ")", diag->path,
			diag->text, (int64_t)diag->offset);
	fputc('\n', stderr);
	return false;
}

/* -- content -----------------------------------------------------------------
 */

/* a resize that was cut short may have happened or not */
static bool is_size(const struct family *f, uint64_t size)
{
	if (f->scene->action != FAMILY_RESIZE)
		return size == f->size;
	if (!f->complete && size < f->held)
		return false;
	return size == f->scene->arg || (!f->complete && size == f->size);
}

/* there is nothing that far away */
static bool rest_is_zero(struct vhd_disk *disk)
{
	uint64_t size = vhd_disk_size(disk);
	struct vhd_extent e;

	for (uint64_t at = FAMILY_SEEN; at < size; at += e.length)
		if (vhd_disk_extent(disk, at, size - at, &e, NULL) ||
		    e.kind != VHD_EXTENT_ZERO)
			return false;
	return true;
}

static bool is_mark(const struct family *f, uint64_t at)
{
	const uint8_t *bytes = f->shown + at;

	return at >= f->unsure && at - f->unsure < f->scene->sector &&
	       bytes[0] == FAMILY_MARK && !memcmp(bytes, bytes + 1, 511);
}

static bool compare(struct family *f, uint64_t size, const char *what)
{
	for (uint64_t at = 0; at < vhd_min(size, FAMILY_SEEN); at += 512)
		if (memcmp(f->shown + at, f->want + at, 512) &&
		    !is_mark(f, at)) {
			fprintf(stderr,
				"sector %" PRIu64 " differs: ", at / 512);
			return family_complain(f, what, 0, NULL);
		}
	return true;
}

static bool shows(struct family *f, const struct family_files *w, unsigned i,
		  const char *what)
{
	struct vhd_diag diag = {0};
	struct vhd_disk *disk;
	int rc = family_open(w, i, VHD_DISK_VERIFY, &disk, &diag);
	uint64_t size;
	bool good;

	if (rc)
		return family_complain(f, what, rc, &diag);
	size = vhd_disk_size(disk);
	good = is_size(f, size);
	if (good)
		rc = vhd_disk_read(disk, 0, f->shown,
				   (size_t)vhd_min(size, FAMILY_SEEN), &diag);
	good = good && !rc && rest_is_zero(disk);
	vhd_disk_close(disk);
	return good ? compare(f, size, what)
		    : family_complain(f, what, rc, &diag);
}

/* -- structure ---------------------------------------------------------------
 */

/* a VHD may have lost its end footer while it grew, or have a footer whose copy
 * is not up to date yet; opening for writing puts both right. Nobody does that
 * with a layer in the middle that has nothing left to be done. */
static bool is_known(const struct family *f, const struct vhd_fault *fault)
{
	if (!strcmp(fault->code, "footers-differ"))
		return !f->complete || f->scene->action == FAMILY_MIDDLE;
	return !f->complete && !strcmp(fault->code, "footer-lost");
}

static void note_fault(void *ctx, const struct vhd_fault *fault)
{
	struct family *f = ctx;

	if (fault->severity >= VHD_SEVERITY_ERROR && !is_known(f, fault))
		family_complain(f, fault->message, 0, NULL);
}

static bool check_all(struct family *f, const struct family_files *w)
{
	for (unsigned i = 0; i < f->scene->count; i++) {
		struct vhd_file *file = family_file(w, i);

		if (vhd_image_check(file, f->scene->format, note_fault, f,
				    NULL))
			family_complain(f, "cannot be checked", 0, NULL);
		vhd_file_close(file);
	}
	return !f->failed;
}

/* the name that the action gave the parent of file i last */
static bool names_parent(struct family *f, const struct family_files *w,
			 unsigned i, const char *name)
{
	struct vhd_parent_hint hint;
	struct vhd_disk *disk;
	bool found = false;

	if (family_open(w, i, VHD_DISK_LAYER, &disk, NULL))
		return family_complain(f, "the child alone", 0, NULL);
	for (unsigned n = 0; n < 8 && !found; n++)
		found = !vhd_image_parent_hint(vhd_disk_image(disk, 0), n,
					       &hint) &&
			!strcmp(hint.path, name);
	vhd_disk_close(disk);
	return found ||
	       family_complain(f, "the parent's name is wrong", 0, NULL);
}

static bool is_packed(struct family *f, const struct family_files *w)
{
	struct vhd_file *file = family_file(w, f->scene->count - 1);
	uint64_t size = 0;

	vhd_file_size(file, &size);
	vhd_file_close(file);
	return !f->packed || size == f->packed ||
	       family_complain(f, "the file has the wrong size", 0, NULL);
}

/* the image above those that were merged names the ancestor */
static bool is_linked(struct family *f, const struct family_files *w)
{
	unsigned heir = f->scene->count - (unsigned)f->scene->arg;
	char name[16];

	snprintf(name, sizeof(name), "file %u", heir - 2);
	return names_parent(f, w, heir, name);
}

bool family_is_complete(struct family *f, const struct family_files *w)
{
	unsigned leaf = f->scene->count - 1;
	enum family_action action = f->scene->action;

	f->complete = true;
	if (action == FAMILY_MERGE &&
	    !shows(f, w, leaf - (unsigned)f->scene->arg, "the merged ancestor"))
		return false;
	if (action == FAMILY_REBASE && !names_parent(f, w, leaf, "other"))
		return false;
	if (action == FAMILY_RELINK && !names_parent(f, w, leaf, "nnnnn"))
		return false;
	if (action == FAMILY_MIDDLE && !is_linked(f, w))
		return false;
	if (action == FAMILY_COMPACT && !is_packed(f, w))
		return false;
	return shows(f, w, leaf, "the child, when all is done") &&
	       check_all(f, w);
}

/* -- cuts --------------------------------------------------------------------
 */

static bool judge(struct family *f, struct family_files *w)
{
	struct vhd_diag diag = {0};
	unsigned leaf = f->scene->count - 1;
	int rc;

	f->complete = false;
	if (!shows(f, w, leaf, "the child after a cut") || !check_all(f, w))
		return false;
	w->writable = true;
	rc = family_run(w, &diag);
	if (rc)
		return family_complain(f, "cannot go on after a cut", rc,
				       &diag);
	return family_is_complete(f, w);
}

bool family_cut(struct family *f, bool killed)
{
	struct family_files w = {.scene = f->scene};
	bool good;

	for (unsigned i = 0; i < f->scene->count; i++) {
		struct powercut *p = f->files.power[i];
		struct cut cut = {CUT_ALL, 0};

		if (!killed)
			cut = powercut_choose(p, family_draw(f, UINT64_MAX));
		w.cut[i] = powercut_content(p, cut);
	}
	good = judge(f, &w);
	for (unsigned i = 0; i < f->scene->count; i++)
		cow_free(w.cut[i]);
	return good;
}
