/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool set: properties of an image. */
#include "command.h"
#include "diag.h"
#include "guid.h"
#include "open.h"

static struct {
	struct open_options open;
	const char *id;
	bool reset_id;
	const char *creator;
	struct option_size physical;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	OPEN_CHILDREN_OPTION(opt.open),
	{.name = "id",
	 .kind = OPTION_TEXT,
	 .target = &opt.id,
	 .argument = "GUID",
	 .help = "the disk's id"},
	{.name = "reset-id",
	 .kind = OPTION_FLAG,
	 .target = &opt.reset_id,
	 .help = "a new random id"},
	{.name = "creator",
	 .kind = OPTION_TEXT,
	 .target = &opt.creator,
	 .argument = "CODE",
	 .help = "VHD: the creator code, one to four characters"},
	{.name = "physical-sector-size",
	 .kind = OPTION_SIZE,
	 .target = &opt.physical,
	 .argument = "SIZE",
	 .help = "VHDX: 512 or 4096"},
	{0},
};

static int read_options(int format, struct vhd_set_options *out)
{
	const char *wrong;

	if (opt.id && opt.reset_id)
		return diag_usage(
			"set: --id and --reset-id exclude each other");
	if (opt.id) {
		wrong = guid_parse(opt.id, format, &out->id);
		if (wrong)
			return diag_usage("set: --id %s: %s", opt.id, wrong);
		out->flags |= VHD_SET_ID;
	}
	if (opt.reset_id)
		out->flags |= VHD_SET_NEW_ID;
	if (opt.creator)
		out->flags |= VHD_SET_CREATOR;
	if (opt.physical.given)
		out->flags |= VHD_SET_PHYSICAL_SECTOR;
	out->creator = opt.creator;
	out->physical_sector_size = opt.physical.bytes > 4096
					    ? UINT32_MAX
					    : (uint32_t)opt.physical.bytes;
	if (!out->flags)
		return diag_usage("set: nothing to set");
	if (opt.open.ignore_children)
		out->flags |= VHD_SET_IGNORE_CHILDREN;
	return TOOL_DONE;
}

static int run(const char *const *arguments)
{
	struct vhd_set_options set = {.size = sizeof(set)};
	struct vhd_diag diag = {0};
	int rc = open_need_format(arguments[0], opt.open.format, &set.format);

	if (!rc)
		rc = read_options(set.format, &set);
	if (rc)
		return rc;
	rc = vhd_set(arguments[0], &set, &diag);
	return rc ? open_failure(arguments[0], set.format, rc, &diag)
		  : TOOL_DONE;
}

const struct command set_command = {
	.name = "set",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "change properties of an image",
	.description =
		"Changes properties of an image in place, durably. Children "
		"know a VHD by its id, and a VHDX by an identity that any "
		"change renews: do not use this on an image that has "
		"children.",
	.options = options,
	.examples = "  vhdtool set --reset-id copy.vhdx\n"
		    "  vhdtool set --creator 'win ' disk.vhd",
	.exits = "  0  done\n"
		 "  1  the image is not writable or in use, or has no such "
		 "property\n"
		 "  2  wrong usage",
	.run = run,
};
