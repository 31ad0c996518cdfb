/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool compare: do two disks of any formats hold the same bytes? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "confine_image.h"
#include "diag.h"
#include "escape.h"
#include "json.h"
#include "open.h"
#include "progress.h"

static struct {
	struct open_options open;
	struct progress_options progress;
	int format_b;
	bool json;
} opt;

static const struct tool_option options[] = {
	{.name = "format",
	 .letter = 'f',
	 .kind = OPTION_FORMAT,
	 .target = &opt.open.format,
	 .argument = "FORMAT",
	 .help = "of A: raw, vhd or vhdx; default: by the extension"},
	{.name = "format-b",
	 .letter = 'F',
	 .kind = OPTION_FORMAT,
	 .target = &opt.format_b,
	 .argument = "FORMAT",
	 .help = "of B; default: by the extension"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .target = &opt.json,
	 .help = "one JSON document"},
	OPEN_LAYER_OPTION(opt.open),
	OPEN_PARENT_OPTIONS(opt.open),
	PROGRESS_OPTIONS(opt.progress),
	{0},
};

static int print_json(const struct vhd_compare_result *result)
{
	json_t *out = json_new_object();

	json_put_bool(out, "equal", result->equal);
	json_put(out, "first-difference",
		 result->equal ? json_null()
			       : json_new_size(result->first_difference));
	return json_print(out);
}

static int print_text(const char *const *paths,
		      const struct vhd_compare_result *result)
{
	char *a = escape(paths[0]), *b = escape(paths[1]);

	if (result->equal)
		printf("%s and %s have the same content\n", a, b);
	else
		printf("%s and %s differ: first at byte %" PRIu64 "\n", a, b,
		       result->first_difference);
	free(a);
	free(b);
	return TOOL_DONE;
}

static int compare(struct vhd_disk *a, struct vhd_disk *b,
		   const char *const *paths)
{
	struct vhd_compare_result result;
	struct vhd_diag diag = {0};
	struct progress *progress = progress_start(&opt.progress, "comparing");
	int rc = vhd_compare(a, b, &result, progress_job(progress), &diag);

	progress_stop(progress);
	if (rc)
		return diag_failure(paths[0], rc, &diag);
	rc = opt.json ? print_json(&result) : print_text(paths, &result);
	if (rc)
		return rc;
	return result.equal ? TOOL_DONE : TOOL_NO;
}

/* The options that belong to B: --parent names the parent of A. */
static struct open_options options_of_b(void)
{
	struct open_options b = opt.open;

	b.format = opt.format_b;
	b.parent = NULL;
	return b;
}

static int run(const char *const *arguments)
{
	struct open_options open_b = options_of_b();
	struct vhd_disk *a, *b;
	int format, rc;

	/* mistakes of usage first, before anything is read */
	rc = open_need_format(arguments[1], open_b.format, &format);
	if (rc)
		return rc;
	confine_reader(arguments, 2, &opt.open, NULL);
	rc = open_disk(arguments[0], &opt.open, VHD_DISK_VERIFY, &a);
	if (rc)
		return rc;
	rc = open_disk(arguments[1], &open_b, VHD_DISK_VERIFY, &b);
	if (!rc) {
		confine_reader_opened();
		rc = compare(a, b, arguments);
		vhd_disk_close(b);
	}
	vhd_disk_close(a);
	return rc;
}

const struct command compare_command = {
	.name = "compare",
	.arguments = "A B",
	.argument_count = 2,
	.summary = "compare the content of two disks",
	.description =
		"Compares two disks of any formats byte by byte, parents "
		"included, and names the first byte that differs. If one "
		"is larger, the rest of it must be zeros. Ranges that read "
		"as zeros in both are not read. --parent belongs to A.",
	.options = options,
	.examples = "  vhdtool compare disk.vhdx disk.raw\n"
		    "  vhdtool compare --json -f raw /dev/sdb disk.vhd",
	.exits = "  0  the same content\n  1  not readable\n"
		 "  2  wrong usage\n  3  they differ",
	.run = run,
};
