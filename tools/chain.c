/* SPDX-License-Identifier: BSD-2-Clause */
#include "chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "diag.h"
#include "memory.h"

static int open_as(const char *path, const struct open_options *options,
		   int format, uint32_t flags, struct chain *out,
		   struct vhd_diag *diag)
{
	struct vhd_disk_options disk_options =
		open_disk_options(options, format, flags);

	*diag = (struct vhd_diag){0};
	return vhd_disk_open(path, &disk_options, &out->disk, diag);
}

/* The leaf alone. It is complete if it needs no parent. */
static int open_leaf(const char *path, const struct open_options *options,
		     int format, struct chain *out)
{
	struct vhd_diag diag;
	int rc = open_as(path, options, format, VHD_DISK_LAYER, out, &diag);

	if (rc)
		return open_failure(path, format, rc, &diag);
	out->complete = !vhd_image_has_parent(vhd_disk_image(out->disk, 0));
	return TOOL_DONE;
}

static int open_guessed(const char *path, const struct open_options *options,
			int format, struct chain *out)
{
	out->why.error = VHD_E_PARENT;
	out->why.offset = VHD_NO_OFFSET;
	out->why.hint = "say the format with -f";
	snprintf(out->why.text, sizeof(out->why.text),
		 "the format was guessed, so parents are not followed");
	return open_leaf(path, options, format, out);
}

int chain_open(const char *path, const struct open_options *options,
	       struct chain *out)
{
	struct vhd_diag again;
	bool guessed;
	int format, rc;

	*out = (struct chain){0};
	rc = open_guess_format(path, options->format, &format, &guessed);
	if (rc)
		return rc;
	if (guessed)
		return open_guessed(path, options, format, out);
	rc = open_as(path, options, format, 0, out, &out->why);
	/* a wrong parent is worth showing; the link's verdict tells */
	if (rc == VHD_E_MISMATCH)
		rc = open_as(path, options, format, VHD_DISK_IGNORE_ID, out,
			     &again);
	if (rc == VHD_E_NOMEM) /* what is shown would be wrong */
		return open_failure(path, format, rc, &out->why);
	if (rc && !out->why.text[0])
		snprintf(out->why.text, sizeof(out->why.text), "%s",
			 vhd_strerror(rc));
	if (rc)
		return open_leaf(path, options, format, out);
	out->complete = !options->layer ||
			!vhd_image_has_parent(vhd_disk_image(out->disk, 0));
	return TOOL_DONE;
}

void chain_close(struct chain *chain)
{
	vhd_disk_close(chain->disk);
	chain->disk = NULL;
}

char *chain_recorded_path(struct vhd_image *image)
{
	struct vhd_parent_hint *hint = tool_zalloc(sizeof(*hint));
	char *path = NULL;
	int rc = 0;

	for (unsigned i = 0; !path && rc != VHD_E_RANGE; i++) {
		rc = vhd_image_parent_hint(image, i, hint);
		if (rc == 0 && (hint->path[0] || hint->stored[0]))
			path = strdup(hint->path[0] ? hint->path
						    : hint->stored);
		else if (rc && rc != VHD_E_NOENT)
			break;
	}
	free(hint);
	return path ? path : tool_must(strdup(""));
}

static void get_missing_link(const struct chain *chain, struct vhd_image *image,
			     struct chain_link *out)
{
	out->verdict = CHAIN_MISSING;
	out->path = chain_recorded_path(image);
	out->why = chain->why;
}

void chain_get_link(const struct chain *chain, unsigned layer,
		    struct chain_link *out)
{
	struct vhd_image *image = vhd_disk_image(chain->disk, layer);
	struct vhd_image *parent;

	*out = (struct chain_link){.verdict = CHAIN_BASE};
	if (!vhd_image_has_parent(image))
		return;
	if (layer + 1 == vhd_disk_layers(chain->disk)) {
		get_missing_link(chain, image, out);
		return;
	}
	parent = vhd_disk_image(chain->disk, layer + 1);
	out->path = tool_must(strdup(vhd_disk_path(chain->disk, layer + 1)));
	out->verdict = vhd_image_check_parent(image, parent, &out->why)
			       ? CHAIN_MISMATCH
			       : CHAIN_MATCH;
}

void chain_link_free(struct chain_link *link)
{
	free(link->path);
	link->path = NULL;
}

const char *chain_verdict_text(enum chain_verdict verdict)
{
	switch (verdict) {
	case CHAIN_BASE:
		return "base";
	case CHAIN_MATCH:
		return "identity matches";
	case CHAIN_MISMATCH:
		return "IDENTITY DIFFERS";
	case CHAIN_MISSING:
		return "NOT FOUND";
	}
	return "";
}
