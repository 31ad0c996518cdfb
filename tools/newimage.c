/* SPDX-License-Identifier: BSD-2-Clause */
#include "newimage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "diag.h"
#include "format.h"
#include "guid.h"
#include "memory.h"
#include "open.h"
#include "progress.h"
#include "timestamp.h"

static const int types[] = {
	0,
	VHD_TYPE_FIXED,
	VHD_TYPE_DYNAMIC,
	VHD_TYPE_DIFFERENCING,
};

const char *const newimage_types[] = {
	"auto", "fixed", "dynamic", "differencing", NULL,
};

const char *const newimage_formats[] = {"vhd", "vhdx", NULL};

const char *const newimage_block_sizes[] = {
	"512K", "1M",  "2M",   "4M",   "8M", "16M",
	"32M",  "64M", "128M", "256M", NULL,
};

const char *const newimage_sector_sizes[] = {"512", "4096", NULL};

static int bad_option(const char *name, const char *value, const char *why)
{
	return diag_usage("--%s %s: %s", name, value, why);
}

/* A size that the library holds in 32 bits. */
static int set_small(const struct option_size *size, const char *name,
		     uint32_t *out)
{
	if (!size->given)
		return TOOL_DONE;
	if (size->bytes == 0 || size->bytes > UINT32_MAX)
		return diag_usage("--%s %" PRIu64 ": out of range", name,
				  size->bytes);
	*out = (uint32_t)size->bytes;
	return TOOL_DONE;
}

static int set_sizes(const struct newimage_options *options,
		     struct vhd_create_options *create)
{
	int rc = set_small(&options->block_size, "block-size",
			   &create->block_size);

	if (!rc)
		rc = set_small(&options->logical_sector_size,
			       "logical-sector-size",
			       &create->logical_sector_size);
	if (!rc)
		rc = set_small(&options->physical_sector_size,
			       "physical-sector-size",
			       &create->physical_sector_size);
	create->reserve = options->reserve.bytes;
	return rc;
}

static int set_identity(const struct newimage_options *options, int format,
			struct vhd_create_options *create)
{
	const char *why = NULL;

	if (options->id)
		why = guid_parse(options->id, format, &create->id);
	if (why)
		return bad_option("id", options->id, why);
	if (options->timestamp)
		why = timestamp_parse(options->timestamp, &create->timestamp);
	if (why)
		return bad_option("timestamp", options->timestamp, why);
	if (options->id && options->timestamp)
		create->flags |= VHD_CREATE_FIXED_ID;
	return TOOL_DONE;
}

static int open_parent(const struct newimage_options *options, int format,
		       uint32_t flags, struct vhd_disk **out)
{
	const struct open_options open = {
		.format = format,
		.parent_roots = options->parent_roots,
	};
	int found = format_from_path(options->parent);

	if (found && found != format) {
		diag_usage("--parent %s: the parent of a %s image is a %s "
			   "image too",
			   options->parent, format_name(format),
			   format_name(format));
		return TOOL_USAGE;
	}
	if (strcmp(options->parent, "-") == 0)
		return bad_option("parent", "-", "a parent is a file");
	return open_disk(options->parent, &open, flags, out);
}

/* The child will only be found to have a parent where readers may look. */
static void warn_outside(const char *path, const char *name)
{
	if (strncmp(name, "../", 3) != 0)
		return;
	diag_warning(path, "the parent lies outside the folder of the image");
	diag_hint("--parent-root allows commands to follow it there");
}

static int set_parent(const struct newimage_options *options, const char *path,
		      uint32_t flags, struct newimage *out)
{
	const char *parent = options->parent;
	int rc = open_parent(options, out->create.format, flags,
			     &out->create.parent);

	if (rc)
		return rc;
	if (!path) {
		out->create.parent_name = parent;
		return TOOL_DONE;
	}
	if (open_is_part(out->create.parent, path))
		return diag_error(path, "is the parent, or a parent of it");
	rc = vhd_relative_path(path, parent, &out->parent_name);
	if (rc)
		return diag_error(path, "%s", vhd_strerror(rc));
	out->create.parent_name = out->parent_name;
	warn_outside(path, out->parent_name);
	return TOOL_DONE;
}

int newimage_prepare(const struct newimage_options *options, int format,
		     const char *path, uint32_t flags, struct newimage *out)
{
	int rc;

	*out = (struct newimage){
		.create =
			{
				.size = sizeof(out->create),
				.format = format,
				.type = types[options->type],
			},
	};
	if (options->preallocate)
		out->create.flags |= VHD_CREATE_PREALLOCATE;
	if (options->azure)
		out->create.flags |= VHD_CREATE_AZURE;
	rc = set_sizes(options, &out->create);
	if (!rc)
		rc = set_identity(options, format, &out->create);
	if (!rc && options->parent)
		rc = set_parent(options, path, flags, out);
	if (rc)
		newimage_free(out);
	return rc;
}

void newimage_free(struct newimage *image)
{
	vhd_disk_close(image->create.parent);
	free(image->parent_name);
	*image = (struct newimage){0};
}

int newimage_failure(const char *path, int error, const struct vhd_diag *diag)
{
	if (error == VHD_E_INVALID && diag->text[0] && !diag->path[0])
		return diag_usage("%s: %s", path, diag->text);
	return diag_failure(path, error, diag);
}

int newimage_create(struct newimage *image, const char *path, bool force)
{
	const struct progress_options quiet = {.quiet = true};
	struct vhd_diag diag = {0};
	struct progress *progress;
	int error;

	if (force)
		image->create.flags |= VHD_CREATE_FORCE;
	progress = progress_start(&quiet, "creating");
	error = vhd_create(path, &image->create, &diag);
	progress_stop(progress);
	return error ? newimage_failure(path, error, &diag) : TOOL_DONE;
}

bool newimage_is_wanted(const struct newimage_options *options)
{
	return options->type || options->block_size.given ||
	       options->logical_sector_size.given ||
	       options->physical_sector_size.given || options->reserve.given ||
	       options->id || options->timestamp || options->preallocate ||
	       options->azure || options->parent;
}
