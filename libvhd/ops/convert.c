/* SPDX-License-Identifier: BSD-2-Clause */
/* Converting a disk: into a raw file, a device, a stream, or a new image. */
#include <string.h>
#include <unistd.h>

#include <libvhd/ops.h>

#include "core/checked.h"
#include "core/diag.h"
#include "copy.h"
#include "create.h"
#include "job.h"
#include "output.h"
#include "over.h"
#include "partial.h"
#include "stream.h"
#include "target.h"

struct converting {
	struct vhd_disk *disk;
	struct vhd_convert_options options;
	struct vhd_make make; /* image output */
	struct vhd_output output;
	struct vhd_job *job;
	struct vhd_diag *diag;
};

static int invalid(struct vhd_diag *diag, const char *text)
{
	return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET, text);
}

static bool is_image(const struct converting *c)
{
	return c->options.format == VHD_FORMAT_VHD ||
	       c->options.format == VHD_FORMAT_VHDX;
}

static struct vhd_disk *parent_of(const struct converting *c)
{
	return c->options.create ? c->options.create->parent : NULL;
}

static int check_options(const struct converting *c, const char *path)
{
	const struct vhd_convert_options *o = &c->options;
	bool stream = !strcmp(path, "-");

	if (stream && is_image(c))
		return invalid(c->diag, "an image cannot be written to a "
					"stream");
	if (is_image(c) && (o->flags & VHD_CONVERT_GZIP))
		return invalid(c->diag, "only raw output is compressed");
	if (stream && (o->flags & VHD_CONVERT_VERIFY))
		return invalid(c->diag, "a stream cannot be read back to "
					"verify it");
	if ((o->flags & VHD_CONVERT_RESUME) &&
	    (stream || (o->flags & VHD_CONVERT_GZIP)))
		return invalid(c->diag, "a stream cannot be continued");
	if (o->reflink == VHD_REFLINK_ALWAYS &&
	    (stream || (o->flags & VHD_CONVERT_GZIP)))
		return invalid(c->diag, "a stream cannot share data by "
					"reflink");
	return 0;
}

/* how the image is to be created: the source decides what is not said */
static int decide_image(struct converting *c)
{
	struct vhd_create_options o = {.size = sizeof(o)};
	uint64_t size = vhd_disk_size(c->disk);
	int rc;

	if (c->options.create)
		memcpy(&o, c->options.create,
		       vhd_min(c->options.create->size, sizeof(o)));
	o.size = sizeof(o);
	o.format = c->options.format;
	if (!o.virtual_size)
		o.virtual_size = size;
	if ((o.flags & VHD_CREATE_AZURE) &&
	    !(c->options.create && c->options.create->virtual_size))
		o.virtual_size = vhd_round_up(size, VHD_MIB);
	if (!o.logical_sector_size && !o.parent)
		o.logical_sector_size = vhd_disk_sector_size(c->disk);
	rc = vhd_create_decide(&o, &c->make, c->diag);
	if (!rc && c->make.size < size)
		rc = invalid(c->diag, "the output is smaller than the disk");
	return rc;
}

/* the finished file, read as anybody will read it */
static int reopen(struct converting *c, struct vhd_disk **out)
{
	struct vhd_file *file;
	int rc = vhd_file_open_fd(dup(c->output.fd), 0, &file, c->diag);

	if (rc)
		return rc;
	return vhd_open_over(file, c->output.path, c->options.format,
			     VHD_DISK_VERIFY | VHD_DISK_FORCE_SHARE,
			     parent_of(c), out, c->diag);
}

static int verify_image(struct converting *c)
{
	struct vhd_compare_result result;
	struct vhd_disk *disk;
	int rc = reopen(c, &disk);

	if (rc)
		return rc;
	rc = vhd_compare(c->disk, disk, &result, c->job, c->diag);
	vhd_disk_close(disk);
	if (!rc && !result.equal)
		rc = vhd_fail(c->diag, VHD_E_MISMATCH, "output",
			      result.first_difference,
			      "what was written does not read back");
	return rc;
}

/* fills the target and ends writing */
static int fill(struct converting *c, struct vhd_target *t)
{
	int rc = vhd_copy(c->disk, t, c->options.jobs, c->options.reflink,
			  c->job, c->diag);

	if (!rc)
		return vhd_target_finish(t, c->diag);
	/* for the next run to find; if it fails, that has less to find */
	if (c->output.resumable)
		(void)vhd_target_finish(t, NULL);
	return rc;
}

/* an earlier run may have had a longer source */
static int clear_rest(struct converting *c, struct vhd_target *t)
{
	uint64_t from = vhd_round_up(vhd_disk_size(c->disk), t->align);

	if (!c->output.found || from >= c->make.size)
		return 0;
	return vhd_disk_zero(t->image, from, c->make.size - from, c->diag);
}

static int convert_to_image(struct converting *c)
{
	struct vhd_target t;
	int rc = 0;

	if (c->output.found)
		rc = vhd_partial_check(&c->output, &c->make, c->options.create,
				       c->diag);
	if (!rc)
		rc = vhd_target_image(&t, &c->output, &c->make, parent_of(c),
				      c->diag);
	if (rc)
		return rc;
	rc = clear_rest(c, &t);
	if (!rc)
		rc = fill(c, &t);
	vhd_target_free(&t);
	if (!rc && (c->options.flags & VHD_CONVERT_VERIFY))
		rc = verify_image(c);
	return rc;
}

static int convert_to_raw(struct converting *c)
{
	bool gzip = c->options.flags & VHD_CONVERT_GZIP;
	struct vhd_target t;
	int rc;

	if (gzip || c->output.kind == VHD_OUTPUT_STREAM) {
		rc = vhd_stream(c->disk, &c->output, gzip, c->job, c->diag);
	} else {
		rc = vhd_target_raw(&t, &c->output, vhd_disk_size(c->disk),
				    c->diag);
		if (!rc) {
			rc = fill(c, &t);
			vhd_target_free(&t);
		}
	}
	if (!rc && (c->options.flags & VHD_CONVERT_VERIFY))
		rc = vhd_stream_verify(c->disk, &c->output, gzip, c->job,
				       c->diag);
	return rc;
}

static int open_output(struct converting *c, const char *path)
{
	bool force = c->options.flags & VHD_CONVERT_FORCE;

	if (c->options.flags & VHD_CONVERT_RESUME)
		return vhd_partial_open(path, force, c->disk, &c->output,
					c->diag);
	return vhd_output_open(path, force, &c->output, c->diag);
}

/* leaves nothing, or something to go on with */
static int give_up(struct converting *c, int rc)
{
	if (c->output.keep && c->diag && !c->diag->hint)
		vhd_hint(c->diag, rc,
			 "the same command goes on with what was written");
	vhd_output_abort(&c->output);
	return rc;
}

int vhd_convert(struct vhd_disk *disk, const char *path,
		const struct vhd_convert_options *options, struct vhd_job *job,
		struct vhd_diag *diag)
{
	struct converting c = {.disk = disk, .job = job, .diag = diag};
	int rc;

	memcpy(&c.options, options, vhd_min(options->size, sizeof(c.options)));
	rc = check_options(&c, path);
	if (!rc && is_image(&c))
		rc = decide_image(&c);
	if (!rc)
		rc = open_output(&c, path);
	if (rc)
		return rc;
	rc = is_image(&c) ? convert_to_image(&c) : convert_to_raw(&c);
	if (!rc)
		return vhd_output_commit(&c.output, diag);
	return give_up(&c, rc);
}

/* -- measure
 * ------------------------------------------------------------------------ */

/* blocks of the output that hold a stored byte of the source */
static int count_blocks(struct converting *c, uint64_t *out)
{
	uint64_t block = c->make.block_size, last = UINT64_MAX, count = 0;
	struct vhd_cursor cursor;
	struct vhd_piece p;
	int rc;

	vhd_cursor_start(&cursor, c->disk, 0, vhd_disk_size(c->disk));
	do {
		rc = vhd_cursor_next(&cursor, (uint64_t)1 << 40, &p, c->diag);
		if (!rc && p.length && !p.zero) {
			uint64_t first = p.start / block;
			uint64_t end = (p.start + p.length - 1) / block;

			count += end - first + (first != last);
			last = end;
		}
	} while (!rc && p.length);
	*out = count;
	return rc;
}

static uint64_t image_size(const struct vhd_make *m, uint64_t blocks)
{
	return m->format == VHD_FORMAT_VHD ? vhd1_make_size(m, blocks)
					   : vhdx_make_size(m, blocks);
}

int vhd_measure(struct vhd_disk *disk,
		const struct vhd_convert_options *options,
		struct vhd_measure *out, struct vhd_diag *diag)
{
	struct converting c = {.disk = disk, .diag = diag};
	uint64_t all, stored = 0;
	int rc;

	memcpy(&c.options, options, vhd_min(options->size, sizeof(c.options)));
	if (!is_image(&c)) {
		out->required = vhd_disk_size(disk);
		out->fully_allocated = vhd_disk_size(disk);
		return 0;
	}
	rc = decide_image(&c);
	if (rc)
		return rc;
	all = vhd_shift_up(c.make.size, vhd_shift_of(c.make.block_size));
	if (c.make.type == VHD_TYPE_FIXED || c.make.preallocate)
		stored = all;
	else
		rc = count_blocks(&c, &stored);
	if (rc)
		return rc;
	out->required = image_size(&c.make, stored);
	out->fully_allocated = image_size(&c.make, all);
	return 0;
}
