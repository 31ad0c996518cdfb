/* SPDX-License-Identifier: BSD-2-Clause */
/* Checking a path: its own file, and whether its chain holds together. */
#include <string.h>

#include <libvhd/ops.h>

#include "core/diag.h"

struct checking {
	const char *path;
	vhd_check_fn *fault;
	void *ctx;
	struct vhd_check_result result;
};

static void count_fault(void *ctx, const struct vhd_fault *fault)
{
	struct checking *c = ctx;

	if (fault->severity == VHD_SEVERITY_ERROR)
		c->result.errors++;
	else if (fault->severity == VHD_SEVERITY_CORRUPT)
		c->result.corruptions++;
	else if (fault->severity == VHD_SEVERITY_LEAK)
		c->result.leaks += fault->leaked;
	c->fault(c->ctx, c->path, fault);
}

static const char *chain_code(int error)
{
	switch (error) {
	case VHD_E_PARENT:
		return "parent-missing";
	case VHD_E_MISMATCH:
		return "parent-mismatch";
	case VHD_E_LOOP:
		return "chain-loop";
	case VHD_E_LIMIT:
		return "chain-too-long";
	default:
		return "parent-damaged";
	}
}

/* the chain cannot be opened: a fault of the link, not of the check */
static void chain_fault(struct checking *c, int error,
			const struct vhd_diag *why)
{
	struct vhd_fault fault = {
		.code = chain_code(error),
		.structure = why->structure ? why->structure : "parent locator",
		.offset = why->offset,
		.severity = VHD_SEVERITY_CORRUPT,
		.message = why->text,
	};
	const char *path = c->path;

	if (why->path[0])
		c->path = why->path;
	count_fault(c, &fault);
	c->path = path;
}

static int check_file(struct checking *c, const char *path, int format,
		      struct vhd_diag *diag)
{
	struct vhd_file *file;
	int rc = vhd_file_open(path, 0, &file, diag);

	if (rc)
		return rc;
	c->path = path;
	c->result.layers++;
	rc = vhd_image_check(file, format, count_fault, c, diag);
	vhd_file_close(file);
	return rc;
}

static uint64_t end_of(struct vhd_disk *disk)
{
	struct vhd_image_usage usage = {0};

	vhd_image_usage(vhd_disk_image(disk, 0), 0, &usage, NULL);
	return usage.end;
}

static int check_chain(struct checking *c, const char *path,
		       const struct vhd_disk_options *options, uint32_t flags,
		       struct vhd_diag *diag)
{
	struct vhd_disk_options o = *options;
	struct vhd_diag why = {0};
	struct vhd_disk *disk;
	int rc;

	o.flags &= ~(uint32_t)VHD_DISK_VERIFY;
	if (!(flags & (VHD_CHECK_PARENTS | VHD_CHECK_CHAIN)))
		o.flags |= VHD_DISK_LAYER;
	rc = vhd_disk_open(path, &o, &disk, &why);
	/* of these the images know nothing */
	if (rc == VHD_E_NOMEM || rc == VHD_E_BUSY || rc == VHD_E_IO) {
		if (!why.text[0])
			vhd_fail(&why, rc, NULL, VHD_NO_OFFSET,
				 vhd_strerror(rc));
		if (diag)
			*diag = why;
		return rc;
	}
	if (rc) {
		/* damage of the leaf itself was reported already */
		if (!why.path[0] || strcmp(why.path, path) != 0 ||
		    rc == VHD_E_PARENT || !c->result.corruptions)
			chain_fault(c, rc, &why);
		return 0;
	}
	c->result.end = end_of(disk);
	for (unsigned i = 1; i < vhd_disk_layers(disk) && !rc; i++)
		if (flags & VHD_CHECK_CHAIN)
			rc = check_file(c, vhd_disk_path(disk, i), o.format,
					diag);
	vhd_disk_close(disk);
	return rc;
}

int vhd_check(const char *path, const struct vhd_disk_options *options,
	      uint32_t flags, vhd_check_fn *fault, void *ctx,
	      struct vhd_check_result *out, struct vhd_diag *diag)
{
	struct checking c = {.path = path, .fault = fault, .ctx = ctx};
	int rc = check_file(&c, path, options->format, diag);

	if (!rc)
		rc = check_chain(&c, path, options, flags, diag);
	if (!rc)
		*out = c.result;
	return rc;
}
