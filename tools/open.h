/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening what the command line names: which format it is, where parents may
 * lie, and what the commands' options say about both.
 *
 * A disk is never opened for its data on a guess from its content, because a
 * guest can write any content. Commands that only look at a file may guess;
 * then parents are not followed.
 */
#ifndef TOOLS_OPEN_H
#define TOOLS_OPEN_H

#include <libvhd.h>

#include "helper.h"
#include "options.h"

struct open_options {
	int format;
	const char *parent;
	struct option_list parent_roots;
	bool force_share;
	bool layer;
	bool ignore_id;
	bool ignore_children;
};

#define OPEN_FORMAT_OPTION(o)                                                  \
	{                                                                      \
		.name = "format", .letter = 'f', .kind = OPTION_FORMAT,        \
		.target = &(o).format, .argument = "FORMAT",                   \
		.help = "raw, vhd or vhdx; default: by the extension",         \
	}

/* Where parents may lie. */
#define OPEN_ROOT_OPTION(o)                                                    \
	{                                                                      \
		.name = "parent-root", .kind = OPTION_LIST,                    \
		.target = &(o).parent_roots, .argument = "DIR",                \
		.help = "parents may lie below DIR (repeatable)",              \
	}

#define OPEN_ID_OPTION(o)                                                      \
	{                                                                      \
		.name = "ignore-id-mismatch", .kind = OPTION_FLAG,             \
		.target = &(o).ignore_id,                                      \
		.help = "accept a parent of another identity",                 \
	}

/* Reading what another program writes; never for a command that writes. */
#define OPEN_SHARE_OPTION(o)                                                   \
	{                                                                      \
		.name = "force-share", .kind = OPTION_FLAG,                    \
		.target = &(o).force_share,                                    \
		.help = "read even if another program writes the image",       \
	}

/* For commands that write the leaf. */
#define OPEN_CHAIN_OPTIONS(o)                                                  \
	{                                                                      \
		.name = "parent",                                              \
		.kind = OPTION_TEXT,                                           \
		.target = &(o).parent,                                         \
		.argument = "PATH",                                            \
		.help = "the image's parent",                                  \
	},                                                                     \
		OPEN_ROOT_OPTION(o), OPEN_ID_OPTION(o)

/* For commands that change what a guest reads. */
#define OPEN_CHILDREN_OPTION(o)                                                \
	{                                                                      \
		.name = "ignore-children", .kind = OPTION_FLAG,                \
		.target = &(o).ignore_children,                                \
		.help = "even if other images have this one as parent",        \
	}

/* For commands that read. */
#define OPEN_PARENT_OPTIONS(o) OPEN_CHAIN_OPTIONS(o), OPEN_SHARE_OPTION(o)

#define OPEN_LAYER_OPTION(o)                                                   \
	{                                                                      \
		.name = "layer", .kind = OPTION_FLAG, .target = &(o).layer,    \
		.help = "this image alone, without its parents",               \
	}

/* What options and extension say; 0 if neither says anything. */
int open_format(const char *path, int given);

/*
 * The same for a command that reads data: an unknown format is a usage error
 * (TOOL_USAGE, printed).
 */
int open_need_format(const char *path, int given, int *format);

/*
 * The same for a command that only looks: asks the content last, and says so
 * in *guessed.
 */
int open_guess_format(const char *path, int given, int *format, bool *guessed);

/* The library's options for these of the command line. */
struct vhd_disk_options open_disk_options(const struct open_options *options,
					  int format, uint32_t flags);

/*
 * Opens a disk for its data; "-" is standard input, if that is a file. Warns
 * of conditions. Returns an enum tool_exit; failures are printed.
 */
int open_disk(const char *path, const struct open_options *options,
	      uint32_t flags, struct vhd_disk **out);

/*
 * The same from an open file of options->format, which is closed on failure
 * too; it has no folder to look for parents in. `name` is for messages.
 */
int open_disk_file(struct vhd_file *file, const char *name,
		   const struct open_options *options, uint32_t flags,
		   struct vhd_disk **out);

/* True if `path` is one of the files the disk is made of. */
bool open_is_part(struct vhd_disk *disk, const char *path);

/* Opens just the file, for dump and log. Returns an enum tool_exit. */
int open_file(const char *path, const struct open_options *options,
	      struct vhd_file **file, int *format);

/* Prints a failure to open `path` as `format`; returns TOOL_FAILED. */
int open_failure(const char *path, int format, int error,
		 const struct vhd_diag *diag);

/*
 * The same for a program of ours that opens the image in its turn: format,
 * parents, what to ignore. Texts are not copied.
 */
void open_add_arguments(struct helper_arguments *arguments,
			const struct open_options *options);

#endif
