/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Merging the upper layers of a chain into an ancestor.
 *
 * What a layer above the ancestor says of a range hides what the ancestor holds
 * there. So all that is written while the merge runs is hidden, and a crash at
 * any moment leaves a chain that shows what it showed. Running again starts
 * over, and ends. Only identities need care, in a VHDX, whose child refuses a
 * parent that was changed (vhdx.md 14.6). G is new, D is the child's identity:
 *
 *   the heir, the layer above the ancestor, accepts G besides the present one
 *   the ancestor becomes G, before anything else of it changes
 *   size if the child is larger, data, items, size if it is smaller - barrier -
 *   the heir accepts G and D
 *   the ancestor becomes D: children of the child accept it from here on
 *
 * Each step is durable before the next. A VHD keeps its id, whatever it holds.
 */
#include "merge.h"

#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "buffer.h"
#include "copy.h"
#include "core/checked.h"
#include "core/diag.h"
#include "core/guid.h"
#include "disk/claim.h"
#include "file/random.h"
#include "image/lineage.h"
#include "job.h"
#include "zero.h"

#ifndef XFS_SUPER_MAGIC
#	define XFS_SUPER_MAGIC 0x58465342
#endif

struct merging {
	struct vhd_disk *disk;
	unsigned into;
	const struct vhd_merge_options *options;
	struct vhd_job *job;
	struct vhd_diag *diag;
	struct vhd_disk *ancestor; /* layer `into` and what is beneath */
	struct vhd_disk *heir;     /* the layer above it, and so on; VHDX */
	struct vhd_disk *user;     /* others read the layers through it */
	struct vhd_guid guid;      /* the ancestor's while it is incomplete */
};

static bool is_vhdx(struct vhd_disk *disk)
{
	return vhd_image_format(vhd_disk_image(disk, 0)) == VHD_FORMAT_VHDX;
}

static struct vhd_guid link_id(struct vhd_disk *disk, unsigned layer)
{
	struct vhd_image_info info;

	vhd_image_get_info(vhd_disk_image(disk, layer), &info);
	return info.link_id;
}

static int fail(struct merging *m, int rc, const char *text)
{
	return vhd_fail(m->diag, rc, NULL, VHD_NO_OFFSET, text);
}

/* -- is there anything to do? ------------------------------------------------
 */

/* the same bytes in both, or zeros in both */
static int compare_piece(struct vhd_disk *disk, struct vhd_disk *ancestor,
			 const struct vhd_piece *p, uint8_t *buf, bool *equal,
			 struct vhd_diag *diag)
{
	const size_t half = VHD_COPY_PIECE;
	uint64_t at = p->start, end = p->start + p->length;
	int rc = 0;

	while (at < end && *equal && !rc) {
		size_t n = (size_t)vhd_min(half, end - at);

		rc = vhd_disk_read(ancestor, at, buf, n, diag);
		if (!rc && p->zero)
			*equal = vhd_is_zero(buf, n);
		if (!rc && !p->zero)
			rc = vhd_disk_read(disk, at, buf + half, n, diag);
		if (!rc && !p->zero)
			*equal = memcmp(buf, buf + half, n) == 0;
		at += n;
	}
	return rc;
}

static int compare_layers(struct vhd_disk *disk, unsigned into,
			  struct vhd_disk *ancestor, bool *equal,
			  struct vhd_diag *diag)
{
	uint8_t *buf = vhd_buffer_new(2 * VHD_COPY_PIECE);
	struct vhd_cursor cursor;
	struct vhd_piece p = {.length = 1};
	int rc = buf ? 0 : VHD_E_NOMEM;

	vhd_cursor_start(&cursor, disk, 0, vhd_disk_size(disk));
	vhd_cursor_select(&cursor, 0, into);
	*equal = vhd_disk_size(disk) == vhd_disk_size(ancestor);
	while (!rc && *equal && p.length) {
		rc = vhd_cursor_next(&cursor, VHD_COPY_PIECE, &p, diag);
		if (!rc && !p.skip)
			rc = compare_piece(disk, ancestor, &p, buf, equal,
					   diag);
	}
	free(buf);
	return rc;
}

static bool identities_tell(struct vhd_disk *disk, unsigned into)
{
	struct vhd_guid child = link_id(disk, 0), parent = link_id(disk, into);

	return is_vhdx(disk) && vhd_guid_equal(&child, &parent);
}

int vhd_merge_is_done(struct vhd_disk *disk, unsigned into, bool *out,
		      struct vhd_diag *diag)
{
	struct vhd_disk *ancestor;
	int rc;

	if (identities_tell(disk, into)) {
		*out = true;
		return 0;
	}
	rc = vhd_disk_view(disk, into, &ancestor);
	if (rc)
		return rc;
	rc = compare_layers(disk, into, ancestor, out, diag);
	vhd_disk_view_close(ancestor);
	return rc;
}

/* -- space -------------------------------------------------------------------
 */

/* bytes of a piece for which the ancestor has no place yet */
static uint64_t missing(struct vhd_disk *ancestor, const struct vhd_piece *p)
{
	uint64_t at = p->start, end = p->start + p->length, bytes = 0;

	while (at < end) {
		struct vhd_extent e;

		if (at >= vhd_disk_size(ancestor) ||
		    vhd_disk_extent_above(
			    ancestor, 1, at,
			    vhd_min(end, vhd_disk_size(ancestor)) - at, &e,
			    NULL))
			return bytes + (end - at);
		bytes += e.kind == VHD_EXTENT_DATA ? 0 : e.length;
		at += e.length;
	}
	return bytes;
}

static int count_gain(struct merging *m, uint64_t *out)
{
	struct vhd_cursor cursor;
	struct vhd_piece p = {.length = 1};
	int rc = 0;

	*out = 0;
	vhd_cursor_start(&cursor, m->disk, 0, vhd_disk_size(m->disk));
	vhd_cursor_select(&cursor, 0, m->into);
	while (!rc && p.length) {
		rc = vhd_cursor_next(&cursor, (uint64_t)1 << 40, &p, m->diag);
		if (!rc && !p.zero && !p.skip)
			*out += missing(m->ancestor, &p);
	}
	return rc;
}

/* bytes that the host has for the ancestor; UINT64_MAX if that cannot be told,
 * or if its blocks may be shared instead of copied */
static uint64_t host_room(struct merging *m)
{
	int fd = vhd_file_fd(vhd_image_file(vhd_disk_image(m->disk, m->into)));
	struct statvfs room;
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) || fstatvfs(fd, &room))
		return UINT64_MAX;
	if (m->options->reflink != VHD_REFLINK_NEVER &&
	    (fs.f_type == XFS_SUPER_MAGIC || fs.f_type == BTRFS_SUPER_MAGIC))
		return UINT64_MAX;
	return (uint64_t)room.f_bavail * room.f_frsize;
}

static int check_room(struct merging *m)
{
	uint64_t room = host_room(m), gain;
	int rc;

	if (room == UINT64_MAX)
		return 0;
	rc = count_gain(m, &gain);
	if (rc || gain <= room)
		return rc;
	return vhd_fail_value(m->diag, VHD_E_NOSPACE, NULL, VHD_NO_OFFSET,
			      "would grow by % bytes, more than the host has",
			      gain);
}

/* -- the steps ---------------------------------------------------------------
 */

int vhd_merge_claim(struct vhd_disk *disk, unsigned child, unsigned into,
		    struct vhd_diag *diag)
{
	uint32_t writing = VHD_DISK_WRITE | VHD_DISK_SAME_CONTENT;
	unsigned first = is_vhdx(disk) ? into - 1 : into;
	int rc = 0;

	for (unsigned i = child; i <= into && !rc; i++)
		rc = vhd_disk_claim(disk, i, i >= first ? writing : 0, diag);
	return rc;
}

static int make_views(struct merging *m)
{
	int rc = vhd_disk_view(m->disk, m->into, &m->ancestor);

	if (!rc && is_vhdx(m->disk))
		rc = vhd_disk_view(m->disk, m->into - 1, &m->heir);
	return rc;
}

/* a suspended machine trusts its disk to stay. vhd.md 2.6 */
int vhd_merge_refuse_saved(struct vhd_disk *disk, unsigned into,
			   struct vhd_diag *diag)
{
	for (unsigned i = 0; i <= into; i++) {
		if (!(vhd_image_conditions(vhd_disk_image(disk, i)) &
		      VHD_COND_SAVED_STATE))
			continue;
		vhd_fail(diag, VHD_E_READONLY, NULL, VHD_NO_OFFSET,
			 "a suspended virtual machine uses the chain");
		return vhd_hint(diag, VHD_E_READONLY,
				"end the suspended virtual machine first");
	}
	return 0;
}

/* the heir accepts `now`, which the ancestor is, and `next`, which it becomes
 */
static int change_identity(struct merging *m, const struct vhd_guid *now,
			   const struct vhd_guid *next)
{
	struct vhd_image *heir = vhd_disk_image(m->heir, 0);
	struct vhd_link link;
	int rc;

	vhd_image_get_link(heir, &link);
	link.id = *now;
	link.second = *next;
	rc = vhd_image_relink(heir, &link, m->diag);
	if (rc)
		return rc;
	return vhd_image_set_link_id(vhd_disk_image(m->ancestor, 0), next,
				     m->diag);
}

static int announce(struct merging *m)
{
	struct vhd_guid now = link_id(m->disk, m->into);

	if (!is_vhdx(m->disk))
		return 0;
	if (vhd_random_guid(&m->guid))
		return fail(m, VHD_E_IO, "no random numbers to be had");
	return change_identity(m, &now, &m->guid);
}

static int conclude(struct merging *m)
{
	struct vhd_guid child = link_id(m->disk, 0);

	return is_vhdx(m->disk) ? change_identity(m, &m->guid, &child) : 0;
}

static int resize(struct merging *m)
{
	return vhd_disk_resize(m->ancestor, vhd_disk_size(m->disk), m->diag);
}

static int grow(struct merging *m)
{
	return vhd_disk_size(m->disk) > vhd_disk_size(m->ancestor) ? resize(m)
								   : 0;
}

/* what lay behind the child's end was not to be seen any more */
static int shrink(struct merging *m)
{
	return vhd_disk_size(m->disk) < vhd_disk_size(m->ancestor) ? resize(m)
								   : 0;
}

static int copy(struct merging *m)
{
	struct vhd_target t;
	int rc;

	vhd_target_existing(&t, m->ancestor);
	t.to_layer = m->into;
	rc = vhd_copy(m->disk, &t, m->options->jobs, m->options->reflink,
		      m->job, m->diag);
	return rc ? rc : vhd_disk_flush(m->ancestor, m->diag);
}

static int adopt(struct merging *m)
{
	return is_vhdx(m->disk)
		       ? vhd_image_adopt(vhd_disk_image(m->ancestor, 0),
					 vhd_disk_image(m->disk, 0), m->diag)
		       : 0;
}

/* a step after which other things are known of the images, their tables' place
 * among them: nobody reads them meanwhile */
static int in_peace(struct merging *m, int (*step)(struct merging *m))
{
	int rc;

	if (m->user)
		vhd_disk_stop(m->user);
	rc = step(m);
	if (m->user)
		vhd_disk_go_on(m->user);
	return rc;
}

static int prepare(struct merging *m)
{
	int rc = announce(m);

	return rc ? rc : grow(m);
}

static int complete(struct merging *m)
{
	int rc = adopt(m);

	if (!rc)
		rc = shrink(m);
	return rc ? rc : conclude(m);
}

static int run_steps(struct merging *m)
{
	int rc = check_room(m);

	if (!rc)
		rc = in_peace(m, prepare);
	if (!rc)
		rc = copy(m);
	return rc ? rc : in_peace(m, complete);
}

/* in order, also after a failure: what was written so far stays useful */
static int shut(struct merging *m, int rc)
{
	int end;

	if (m->ancestor) {
		end = vhd_disk_shut(m->ancestor, rc ? NULL : m->diag);
		rc = rc ? rc : end;
	}
	if (m->heir) {
		end = vhd_disk_shut(m->heir, rc ? NULL : m->diag);
		rc = rc ? rc : end;
	}
	vhd_disk_view_close(m->ancestor);
	vhd_disk_view_close(m->heir);
	return rc;
}

int vhd_merge_claimed(struct vhd_disk *disk, unsigned into,
		      struct vhd_disk *user,
		      const struct vhd_merge_options *options,
		      struct vhd_job *job, struct vhd_diag *diag)
{
	struct merging m = {
		.disk = disk,
		.into = into,
		.user = user,
		.options = options,
		.job = job,
		.diag = diag,
	};
	int rc = make_views(&m);

	if (!rc && !identities_tell(disk, into))
		rc = run_steps(&m);
	return shut(&m, rc);
}

int vhd_merge_layers(struct vhd_disk *disk, unsigned into,
		     const struct vhd_merge_options *options,
		     struct vhd_job *job, struct vhd_diag *diag)
{
	int rc = vhd_merge_refuse_saved(disk, into, diag);

	if (!rc)
		rc = vhd_merge_claim(disk, 0, into, diag);
	return rc ? rc
		  : vhd_merge_claimed(disk, into, NULL, options, job, diag);
}

/* -- by path -----------------------------------------------------------------
 */

/* the layer that is the file at `path`; the number of layers if none is */
static unsigned find_layer(struct vhd_disk *disk, const char *path)
{
	unsigned i = 1;

	while (i < vhd_disk_layers(disk) && !vhd_disk_is_file(disk, i, path))
		i++;
	return i;
}

static int find_ancestor(struct vhd_disk *disk, const char *path,
			 unsigned *into, struct vhd_diag *diag)
{
	if (vhd_disk_layers(disk) == 1)
		return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				"has no parent to be merged into");
	*into = path ? find_layer(disk, path) : 1;
	if (*into < vhd_disk_layers(disk))
		return 0;
	return vhd_hint(diag,
			vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				 "does not descend from the image to be "
				 "merged into"),
			"'vhdtool chain' shows its ancestors");
}

static int merge(struct vhd_disk *disk, const struct vhd_merge_options *options,
		 struct vhd_job *job, struct vhd_diag *diag)
{
	unsigned into = 0;
	int rc = find_ancestor(disk, options->into, &into, diag);

	if (!rc && !(options->flags & VHD_MERGE_IGNORE_CHILDREN))
		rc = vhd_merge_refuse_children(disk, into, diag);
	if (!rc)
		rc = vhd_merge_layers(disk, into, options, job, diag);
	if (!rc)
		rc = vhd_merge_relink(disk, into, diag);
	if (!rc && (options->flags & VHD_MERGE_DELETE))
		rc = vhd_merge_delete(disk, into, diag);
	return rc;
}

int vhd_merge(const char *path, const struct vhd_disk_options *open,
	      const struct vhd_merge_options *options, struct vhd_job *job,
	      struct vhd_diag *diag)
{
	struct vhd_merge_options m = {0};
	struct vhd_disk_options o = {0};
	struct vhd_disk *disk;
	int rc;

	memcpy(&m, options, vhd_min(options->size, sizeof(m)));
	memcpy(&o, open, vhd_min(open->size, sizeof(o)));
	o.size = sizeof(o);
	o.flags = 0;
	rc = vhd_disk_open(path, &o, &disk, diag);
	if (rc)
		return rc;
	rc = merge(disk, &m, job, diag);
	vhd_disk_close(disk);
	return rc;
}
