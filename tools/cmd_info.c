/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool info: what is known of an image. Opens lazily: reads a few pages of
 * the image, whatever its size, and succeeds even if parents are missing.
 */
#include <stdio.h>

#include "command.h"
#include "confine_image.h"
#include "layer.h"

static struct {
	struct open_options open;
	bool chain;
	bool count;
	bool json;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "chain",
	 .kind = OPTION_FLAG,
	 .target = &opt.chain,
	 .help = "each layer, from the image to its base"},
	{.name = "count",
	 .kind = OPTION_FLAG,
	 .target = &opt.count,
	 .help = "count stored blocks even if the block table\n"
		 "is so large that it takes long"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .target = &opt.json,
	 .help = "one JSON document (an array with --chain)"},
	OPEN_PARENT_OPTIONS(opt.open),
	{0},
};

static int print_json(const struct chain *chain, const char *path,
		      unsigned count)
{
	json_t *all = json_new_array(), *one;
	struct layer layer;

	for (unsigned i = 0; i < count; i++) {
		layer_get(chain, path, i, opt.count, &layer);
		json_add(all, layer_json(&layer));
		layer_free(&layer);
	}
	if (opt.chain)
		return json_print(all);
	one = json_incref(json_array_get(all, 0));
	json_decref(all);
	return json_print(one);
}

static int print_text(const struct chain *chain, const char *path,
		      unsigned count)
{
	struct layer layer;

	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			putchar('\n');
		layer_get(chain, path, i, opt.count, &layer);
		layer_print(&layer);
		layer_free(&layer);
	}
	return TOOL_DONE;
}

static int run(const char *const *arguments)
{
	struct chain chain;
	unsigned count;
	int rc;

	confine_reader(arguments, 1, &opt.open, NULL);
	rc = chain_open(arguments[0], &opt.open, &chain);

	if (rc)
		return rc;
	confine_reader_opened();
	count = opt.chain ? vhd_disk_layers(chain.disk) : 1;
	rc = opt.json ? print_json(&chain, arguments[0], count)
		      : print_text(&chain, arguments[0], count);
	chain_close(&chain);
	return rc;
}

const struct command info_command = {
	.name = "info",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "show everything known of an image",
	.description = "Shows format, type, sizes, blocks, identity, creator, "
		       "log, parent and everything unusual. A parent that is "
		       "missing is said, not an error. If neither -f nor the "
		       "extension tell the format, the content is asked, and "
		       "parents are not followed.",
	.options = options,
	.examples = "  vhdtool info disk.vhdx\n"
		    "  vhdtool info --json --chain snapshot.avhdx | "
		    "jq '.[].filename'",
	.exits = "  0  shown\n  1  not readable, or no image\n  2  wrong usage",
	.run = run,
};
