/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains of images in memory, and what maintenance does to them: merge, rebase,
 * another name for the parent, compact, another size. The child's content is
 * known. Whatever cuts an action short, at any time afterwards the child opens
 * and shows it, every file passes the check, and the same action run again ends
 * as it should.
 */
#ifndef TESTS_SUPPORT_FAMILY_H
#define TESTS_SUPPORT_FAMILY_H

#include <libvhd.h>

#include "support/powercut.h"

#define FAMILY_FILES 4
/* bytes of the child that are known; behind them are zeros */
#define FAMILY_SEEN ((uint64_t)14 << 20)
/* what a test may write that is not sure to get there, one sector */
#define FAMILY_MARK 0xA7

enum family_action {
	FAMILY_MERGE,
	FAMILY_MIDDLE, /* merge, while the leaf is open for writing */
	FAMILY_REBASE,
	FAMILY_RELINK,
	FAMILY_COMPACT,
	FAMILY_RESIZE,
};

/* File 0 is the base; each other one was made as a child of an earlier one. The
 * last is the leaf, which the action is about. */
struct family_scene {
	const char *name;
	enum family_action action;
	int format;
	int base_type;
	unsigned count;
	/* merge: the layer, middle: the upper one; compact: VHD_COMPACT_*;
	 * resize: bytes */
	uint64_t arg;
	uint64_t base_size;
	uint64_t leaf_size;
	uint32_t block[FAMILY_FILES];
	uint32_t sector;
};

extern const struct family_scene family_scenes[];
extern const size_t family_scene_count;

/* The files, as they are written or as a cut left them. */
struct family_files {
	const struct family_scene *scene;
	struct powercut *power[FAMILY_FILES]; /* or NULL: */
	struct cow *cut[FAMILY_FILES];
	bool writable; /* those of `cut` */
	/* what the library sees of a file, which it owns; NULL: the file */
	struct vhd_file *(*wrap)(void *ctx, struct vhd_file *file);
	/* called around what the test itself does, or NULL */
	void (*pause)(bool paused);
	/* the action on this disk, which is open for writing, failed; or NULL
	 */
	void (*salvage)(void *ctx, struct vhd_disk *disk);
	void *ctx;
};

struct family {
	const struct family_scene *scene;
	struct family_files files;
	uint8_t *want; /* FAMILY_SEEN bytes that the leaf shows */
	uint64_t size; /* of the leaf, before the action */
	uint8_t *shown;
	uint64_t packed; /* bytes of a compacted leaf's file; 0: not known */
	uint64_t held;   /* bytes that an unfinished action must not cut off */
	uint64_t unsure; /* a sector that may show FAMILY_MARK; behind all: none
			  */
	uint64_t seed;
	uint64_t lots;
	bool complete; /* what is checked now is left by no cut */
	bool failed;
	/* says where the test is, on stderr, before what is wrong */
	void (*where)(void *ctx);
	void *ctx;
};

/* Makes the files, which were durable and closed in order. Set nothing but
 * `scene`, `seed`, `where` and `ctx` before. */
void family_make(struct family *f);
void family_drop(struct family *f);

uint64_t family_draw(struct family *f, uint64_t n);
/* For the test's own troubles too; returns false. */
bool family_complain(struct family *f, const char *what, int rc,
		     const struct vhd_diag *diag);

/* Opens file i as a disk. */
int family_open(const struct family_files *files, unsigned i, uint32_t flags,
		struct vhd_disk **out, struct vhd_diag *diag);
/* File i without its chain, as it is: not wrapped. */
struct vhd_file *family_file(const struct family_files *files, unsigned i);

/* Runs the scene's action on some files. */
int family_run(const struct family_files *files, struct vhd_diag *diag);

/* The action ran to its end, and these files are what it should leave. */
bool family_is_complete(struct family *f, const struct family_files *files);
/* Cuts the power of all files now, each by a lot of its own (`killed`: nothing
 * is lost), looks at what is left, runs the action again and looks at that. */
bool family_cut(struct family *f, bool killed);

#endif
