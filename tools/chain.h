/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chain of images as info and chain look at it: as much of it as can be
 * opened, and what is wrong with the rest.
 */
#ifndef TOOLS_CHAIN_H
#define TOOLS_CHAIN_H

#include "open.h"

struct chain {
	struct vhd_disk *disk; /* all layers, or just the leaf */
	bool complete;         /* all layers are there */
	struct vhd_diag why;   /* what is missing, unless complete */
};

enum chain_verdict {
	CHAIN_BASE,     /* has no parent */
	CHAIN_MATCH,    /* the parent is the one it was made of */
	CHAIN_MISMATCH, /* the parent found has another identity */
	CHAIN_MISSING,  /* no parent could be opened */
};

/* From one layer to the next. */
struct chain_link {
	enum chain_verdict verdict;
	char *path;          /* parent, found or as recorded; may be "" */
	struct vhd_diag why; /* unless base or match */
};

/*
 * Opens what can be opened. Fails (TOOL_FAILED or TOOL_USAGE, printed) only if
 * the leaf itself cannot be. Parents of a file whose format was guessed are
 * not followed.
 */
int chain_open(const char *path, const struct open_options *options,
	       struct chain *out);
void chain_close(struct chain *chain);

/* The link below a layer. Free with chain_link_free(). */
void chain_get_link(const struct chain *chain, unsigned layer,
		    struct chain_link *out);
void chain_link_free(struct chain_link *link);

/* The first usable name an image has for its parent, or "". free() it. */
char *chain_recorded_path(struct vhd_image *image);

/* One line for a person; static. */
const char *chain_verdict_text(enum chain_verdict verdict);

#endif
