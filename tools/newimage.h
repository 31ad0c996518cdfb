/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a new image is to be like: the options that create, snapshot, convert
 * and measure share, and what the library needs to know of them.
 */
#ifndef TOOLS_NEWIMAGE_H
#define TOOLS_NEWIMAGE_H

#include <libvhd.h>

#include "options.h"

struct newimage_options {
	int type; /* index in newimage_types */
	struct option_size block_size;
	struct option_size logical_sector_size;
	struct option_size physical_sector_size;
	struct option_size reserve;
	const char *id;
	const char *timestamp;
	bool preallocate;
	bool azure;
	const char *parent;
	struct option_list parent_roots;
};

extern const char *const newimage_types[];

/* for choices in tables, as the formats have them */
extern const char *const newimage_formats[];
extern const char *const newimage_block_sizes[];
extern const char *const newimage_sector_sizes[];

/* How the image is built; for all commands that make one. */
#define NEWIMAGE_LAYOUT_OPTIONS(o)                                             \
	{                                                                      \
		.name = "block-size",                                          \
		.kind = OPTION_SIZE,                                           \
		.target = &(o).block_size,                                     \
		.argument = "SIZE",                                            \
		.choices = newimage_block_sizes,                               \
		.help = "VHD 512K or 2M, VHDX 1M to 256M; default: 2M",        \
	},                                                                     \
		{                                                              \
			.name = "physical-sector-size",                        \
			.kind = OPTION_SIZE,                                   \
			.target = &(o).physical_sector_size,                   \
			.argument = "SIZE",                                    \
			.choices = newimage_sector_sizes,                      \
			.help = "VHDX: 512 or 4096; default: 4096, or the\n"   \
				"parent's",                                    \
		},                                                             \
		{                                                              \
			.name = "reserve",                                     \
			.kind = OPTION_SIZE,                                   \
			.target = &(o).reserve,                                \
			.argument = "SIZE",                                    \
			.help = "room in the block table to grow to SIZE",     \
		},                                                             \
		{                                                              \
			.name = "id",                                          \
			.kind = OPTION_TEXT,                                   \
			.target = &(o).id,                                     \
			.argument = "GUID",                                    \
			.help = "identity; default: random",                   \
		},                                                             \
	{                                                                      \
		.name = "timestamp", .kind = OPTION_TEXT,                      \
		.target = &(o).timestamp, .argument = "TIME",                  \
		.help = "time of creation, Unix seconds or ISO 8601;\n"        \
			"with --id the same bytes each time",                  \
	}

/* What a differencing image has from its parent. */
#define NEWIMAGE_TYPE_OPTIONS(o)                                               \
	{                                                                      \
		.name = "type",                                                \
		.kind = OPTION_CHOICE,                                         \
		.target = &(o).type,                                           \
		.argument = "TYPE",                                            \
		.choices = newimage_types,                                     \
		.help = "fixed, dynamic, differencing or auto: dynamic,\n"     \
			"differencing with --parent, fixed with --azure",      \
	},                                                                     \
		{                                                              \
			.name = "logical-sector-size",                         \
			.kind = OPTION_SIZE,                                   \
			.target = &(o).logical_sector_size,                    \
			.argument = "SIZE",                                    \
			.choices = newimage_sector_sizes,                      \
			.help = "512 or, VHDX only, 4096; default: 512, or\n"  \
				"the parent's",                                \
		},                                                             \
		{                                                              \
			.name = "preallocate",                                 \
			.kind = OPTION_FLAG,                                   \
			.target = &(o).preallocate,                            \
			.help = "take the space of all blocks now",            \
		},                                                             \
	{                                                                      \
		.name = "azure", .kind = OPTION_FLAG, .target = &(o).azure,    \
		.help = "as Azure wants it: fixed VHD of whole MiB",           \
	}

/* An image to be made; owns the parent. */
struct newimage {
	struct vhd_create_options create;
	char *parent_name;
};

/*
 * Turns options into the library's; opens the parent with `flags`
 * (VHD_DISK_*). `path` is where the image will lie, NULL if it is only
 * measured. Returns an enum tool_exit, failures printed.
 */
int newimage_prepare(const struct newimage_options *options, int format,
		     const char *path, uint32_t flags, struct newimage *out);
void newimage_free(struct newimage *image);

/*
 * Makes the image. A signal waits until the file is there, or is not. Returns
 * an enum tool_exit, failures printed.
 */
int newimage_create(struct newimage *image, const char *path, bool force);

/*
 * Prints why the library did not make an image at `path`. Options that it
 * refuses are wrong usage. Returns an enum tool_exit.
 */
int newimage_failure(const char *path, int error, const struct vhd_diag *diag);

/* True if an option was given that only an image understands. */
bool newimage_is_wanted(const struct newimage_options *options);

#endif
