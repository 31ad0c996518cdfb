/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool chain: the layers from leaf to base as a tree, and whether each
 * parent is the one its child was made of.
 */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "confine_image.h"
#include "diag.h"
#include "escape.h"
#include "format.h"
#include "layer.h"
#include "size.h"

static struct {
	struct open_options open;
	bool json;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .target = &opt.json,
	 .help = "one JSON document"},
	OPEN_PARENT_OPTIONS(opt.open),
	{0},
};

static const char *verdict_code(enum chain_verdict verdict)
{
	static const char *const codes[] = {
		[CHAIN_BASE] = "base",
		[CHAIN_MATCH] = "match",
		[CHAIN_MISMATCH] = "mismatch",
		[CHAIN_MISSING] = "missing",
	};

	return codes[verdict];
}

static json_t *node_json(const struct layer *layer)
{
	json_t *out = json_new_object();

	json_put_text(out, "filename", layer->path);
	json_put_text(out, "format", format_name(layer->info.format));
	json_put_text(out, "type", format_type_name(layer->info.type));
	json_put_size(out, "virtual-size", layer->info.virtual_size);
	json_put(out, "id", json_new_optional_text(layer->info.id_text));
	json_put(out, "parent", layer_parent_json(layer));
	json_put_text(out, "verdict", verdict_code(layer->link.verdict));
	return out;
}

static int print_json(const struct chain *chain, const char *path, bool good)
{
	json_t *out = json_new_object(), *layers = json_new_array();
	struct layer layer;

	for (unsigned i = 0; i < vhd_disk_layers(chain->disk); i++) {
		layer_get(chain, path, i, false, &layer);
		json_add(layers, node_json(&layer));
		layer_free(&layer);
	}
	json_put_bool(out, "complete", good);
	json_put_size(out, "chain-length", vhd_disk_layers(chain->disk));
	json_put(out, "layers", layers);
	return json_print(out);
}

static void print_path(unsigned depth, const char *path)
{
	char *safe = escape(path);

	if (depth)
		printf("%*s└─ ", (int)(3 * (depth - 1)), "");
	fputs(safe, stdout);
	free(safe);
}

static void print_node(const struct layer *layer, unsigned depth,
		       const char *verdict)
{
	const struct vhd_image_info *info = &layer->info;
	char size[SIZE_TEXT_SIZE];

	print_path(depth, layer->path);
	printf("  %s %s, %s%s%s%s%s\n", format_type_name(info->type),
	       format_name(info->format), size_text(info->virtual_size, size),
	       info->id_text[0] ? ", id " : "", info->id_text,
	       verdict ? "  -- " : "", verdict ? verdict : "");
}

static void print_text(const struct chain *chain, const char *path)
{
	const char *verdict = NULL;
	struct layer layer;

	for (unsigned i = 0; i < vhd_disk_layers(chain->disk); i++) {
		layer_get(chain, path, i, false, &layer);
		print_node(&layer, i, verdict);
		verdict = chain_verdict_text(layer.link.verdict);
		if (layer.link.verdict == CHAIN_MISSING) {
			print_path(i + 1, layer.link.path);
			printf("  -- %s\n", verdict);
		}
		layer_free(&layer);
	}
}

/* Tells on stderr what is wrong with the chain, if anything is. */
static bool judge(const struct chain *chain, const char *path)
{
	bool good = true;

	for (unsigned i = 0; i < vhd_disk_layers(chain->disk); i++) {
		struct chain_link link;
		bool overlook;

		chain_get_link(chain, i, &link);
		overlook = link.verdict == CHAIN_MISMATCH && opt.open.ignore_id;
		if (link.verdict >= CHAIN_MISMATCH && !overlook) {
			diag_failure(path, link.why.error, &link.why);
			good = false;
		}
		chain_link_free(&link);
	}
	return good;
}

static int run(const char *const *arguments)
{
	struct chain chain;
	bool good;
	int rc;

	confine_reader(arguments, 1, &opt.open, NULL);
	rc = chain_open(arguments[0], &opt.open, &chain);
	if (rc)
		return rc;
	confine_reader_opened();
	good = judge(&chain, arguments[0]);
	if (opt.json)
		rc = print_json(&chain, arguments[0], good);
	else
		print_text(&chain, arguments[0]);
	chain_close(&chain);
	return good ? rc : TOOL_FAILED;
}

const struct command chain_command = {
	.name = "chain",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "show the layers from an image to its base",
	.description =
		"Draws the layers from leaf to base and says of each "
		"whether it has the identity its child was made of. What "
		"was found of an incomplete chain is shown as well.",
	.options = options,
	.examples = "  vhdtool chain snapshot.avhdx\n"
		    "  vhdtool chain --parent-root /srv/golden guest.vhdx",
	.exits = "  0  the chain is complete\n"
		 "  1  a parent is missing or is not the right one, or the "
		 "image is not readable\n"
		 "  2  wrong usage",
	.run = run,
};
