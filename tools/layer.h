/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that is known of one layer of a chain, as JSON and for a person.
 */
#ifndef TOOLS_LAYER_H
#define TOOLS_LAYER_H

#include "chain.h"
#include "json.h"

struct layer {
	const char *path;
	struct vhd_image *image;
	struct vhd_image_info info;
	bool usage_known;   /* false: no blocks, a damaged table, or skipped */
	bool usage_skipped; /* reading the table would take long */
	struct vhd_image_usage usage;
	bool compressed; /* by the host's file system */
	struct chain_link link;
	unsigned chain_length; /* layers from here to the base, as found */
};

/*
 * Never fails: what cannot be found out is left unknown, with a warning if it
 * is the host's fault. Blocks are counted only if that is quick, or if
 * `count_blocks` asks for it.
 */
void layer_get(const struct chain *chain, const char *path, unsigned index,
	       bool count_blocks, struct layer *out);
void layer_free(struct layer *layer);

/* The warning, if `error` is of that kind; `what` is plural. */
void layer_warn(const struct layer *layer, const char *what, int error);

json_t *layer_json(const struct layer *layer);
void layer_print(const struct layer *layer);

/* The parent of a layer as JSON: null, or an object. */
json_t *layer_parent_json(const struct layer *layer);

#endif
