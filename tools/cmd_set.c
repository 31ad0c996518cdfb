/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool set: properties of an image. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "diag.h"
#include "guid.h"
#include "input.h"
#include "memory.h"
#include "newimage.h"
#include "open.h"

/* the longest item that the format allows */
#define ITEM_MAX ((size_t)1 << 20)

static struct {
	struct open_options open;
	const char *id;
	bool reset_id;
	const char *creator;
	struct option_size physical;
	const char *parent_path;
	struct option_list metadata;
	struct option_list remove_metadata;
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
	 .choices = newimage_sector_sizes,
	 .help = "VHDX: 512 or 4096"},
	{.name = "parent-path",
	 .kind = OPTION_TEXT,
	 .target = &opt.parent_path,
	 .argument = "PATH",
	 .help = "where the parent lies; stored relative to the\n"
		 "folder of the image"},
	{.name = "metadata",
	 .kind = OPTION_LIST,
	 .target = &opt.metadata,
	 .argument = "GUID=FILE",
	 .help = "VHDX: a user metadata item with the content of\n"
		 "FILE, - for standard input (repeatable)"},
	{.name = "remove-metadata",
	 .kind = OPTION_LIST,
	 .target = &opt.remove_metadata,
	 .argument = "GUID",
	 .help = "VHDX: remove a user metadata item (repeatable)"},
	{0},
};

/* -- user metadata -----------------------------------------------------------
 */

static int parse_item_id(const char *option, const char *text, int format,
			 struct vhd_guid *out)
{
	const char *wrong = guid_parse(text, format, out);

	if (wrong)
		return diag_usage("set: --%s %s: %s", option, text, wrong);
	return TOOL_DONE;
}

/* the whole file, for free() */
static int read_item(const char *path, struct vhd_metadata_change *out)
{
	uint8_t *bytes = tool_buffer(2 * ITEM_MAX);
	struct input *input;
	size_t n;
	int rc = input_open(path, false, &input);

	if (!rc) {
		rc = input_read(input, bytes, ITEM_MAX + 1, NULL, &n);
		input_close(input);
	}
	if (!rc && n > ITEM_MAX)
		rc = diag_error(path, "a metadata item has at most 1 MiB");
	if (rc) {
		free(bytes);
		return rc;
	}
	out->bytes = bytes;
	out->length = (uint32_t)n;
	return TOOL_DONE;
}

static int read_metadata(const char *text, int format,
			 struct vhd_metadata_change *out)
{
	const char *equals = strchr(text, '=');
	char *id;
	int rc;

	if (!equals)
		return diag_usage("set: --metadata %s: it is GUID=FILE", text);
	id = tool_must(strndup(text, (size_t)(equals - text)));
	rc = parse_item_id("metadata", id, format, &out->id);
	free(id);
	return rc ? rc : read_item(equals + 1, out);
}

static void free_metadata(struct vhd_metadata_change *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free((void *)(uintptr_t)items[i].bytes);
	free(items);
}

/* removing comes first, so that both can be said of one item */
static int read_changes(int format, struct vhd_set_options *out)
{
	size_t removals = opt.remove_metadata.count;
	size_t count = removals + opt.metadata.count;
	struct vhd_metadata_change *items;
	int rc = TOOL_DONE;

	if (!count)
		return TOOL_DONE;
	items = tool_zalloc(count * sizeof(*items));
	for (size_t i = 0; i < count && !rc; i++)
		rc = i < removals
			     ? parse_item_id("remove-metadata",
					     opt.remove_metadata.items[i],
					     format, &items[i].id)
			     : read_metadata(opt.metadata.items[i - removals],
					     format, &items[i]);
	if (rc) {
		free_metadata(items, count);
		return rc;
	}
	out->metadata = items;
	out->metadata_count = count;
	out->flags |= VHD_SET_METADATA;
	return TOOL_DONE;
}

/* -- the rest ----------------------------------------------------------------
 */

static int read_parent_path(const char *path, struct vhd_set_options *out)
{
	char *name;
	int rc;

	if (!opt.parent_path)
		return TOOL_DONE;
	rc = vhd_relative_path(path, opt.parent_path, &name);
	if (rc)
		return diag_error(opt.parent_path, "%s", vhd_strerror(rc));
	out->parent_name = name;
	out->flags |= VHD_SET_PARENT_PATH;
	return TOOL_DONE;
}

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
	return TOOL_DONE;
}

static int apply(const char *path, struct vhd_set_options *set)
{
	struct vhd_diag diag = {0};
	int rc;

	if (!set->flags)
		return diag_usage("set: nothing to set");
	if (opt.open.ignore_children)
		set->flags |= VHD_SET_IGNORE_CHILDREN;
	rc = vhd_set(path, set, &diag);
	return rc ? open_failure(path, set->format, rc, &diag) : TOOL_DONE;
}

static int run(const char *const *arguments)
{
	struct vhd_set_options set = {.size = sizeof(set)};
	const char *path = arguments[0];
	int rc = open_need_format(path, opt.open.format, &set.format);

	if (!rc)
		rc = read_options(set.format, &set);
	if (!rc)
		rc = read_parent_path(path, &set);
	if (!rc)
		rc = read_changes(set.format, &set);
	if (!rc)
		rc = apply(path, &set);
	free_metadata((struct vhd_metadata_change *)(uintptr_t)set.metadata,
		      set.metadata_count);
	free((char *)(uintptr_t)set.parent_name);
	return rc;
}

const struct command set_command = {
	.name = "set",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "change properties of an image",
	.description =
		"Changes properties of an image in place, durably. Children "
		"know a VHD by its id, and a VHDX by an identity that any "
		"change renews but that of --parent-path: an image with "
		"children beside it is refused. --parent-path says where the "
		"parent lies now, and drops every other path that is stored; "
		"the parent is not looked at, and must be the same image as "
		"before (else see vhdtool rebase). User metadata are small "
		"items of other programs, each known by a GUID; info lists "
		"them.",
	.options = options,
	.examples = "  vhdtool set --reset-id copy.vhdx\n"
		    "  vhdtool set --creator 'win ' disk.vhd\n"
		    "  vhdtool set --parent-path ../golden/base.vhdx "
		    "child.vhdx",
	.exits = "  0  done\n"
		 "  1  the image is not writable or in use, or has no such "
		 "property\n"
		 "  2  wrong usage",
	.run = run,
};
