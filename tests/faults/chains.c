/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a check says of a chain that does not hold together. The images lie in
 * the folder given.
 *
 *	chains --codes | DIRECTORY
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvhd.h>

#include "core/vhd1_header.h"
#include "support/vhd1_image.h"

#define PARENT_ID 48
#define OTHER_ID  16

/* a small image `name` over `parent`, which has the id `parent_id` */
static struct vhd1_image make(const char *parent, uint8_t id, uint8_t parent_id)
{
	const struct vhd1_spec spec = {
		.type = parent ? VHD_TYPE_DIFFERENCING : VHD_TYPE_DYNAMIC,
		.size = 1u << 20,
		.id = id,
		.parent_id = parent_id,
		.parent_name = parent,
	};

	return vhd1_image_new(&spec);
}

static void save(struct vhd1_image image, const char *name)
{
	if (sparse_save(image.file, name)) {
		perror(name);
		exit(1);
	}
	vhd1_image_drop(&image);
}

static void make_missing(void)
{
	save(make("nowhere.vhd", OTHER_ID, PARENT_ID), "leaf.vhd");
}

static void make_mismatch(void)
{
	save(make(NULL, OTHER_ID, PARENT_ID), "parent.vhd");
	save(make("parent.vhd", OTHER_ID, PARENT_ID), "leaf.vhd");
}

static void make_loop(void)
{
	save(make("leaf.vhd", PARENT_ID, OTHER_ID), "parent.vhd");
	save(make("parent.vhd", OTHER_ID, PARENT_ID), "leaf.vhd");
}

static void make_long(void)
{
	char name[32], parent[32];

	for (int i = 0; i <= VHD_DISK_DEPTH_MAX; i++) {
		bool odd = i & 1;

		snprintf(name, sizeof(name), i ? "%d.vhd" : "leaf.vhd", i);
		snprintf(parent, sizeof(parent), "%d.vhd", i + 1);
		save(make(parent, odd ? PARENT_ID : OTHER_ID,
			  odd ? OTHER_ID : PARENT_ID),
		     name);
	}
}

static void make_damaged(void)
{
	struct vhd1_image parent = make(NULL, PARENT_ID, 0);

	sparse_fill(parent.file, parent.header + 900, 1, 1);
	save(parent, "parent.vhd");
	save(make("parent.vhd", OTHER_ID, PARENT_ID), "leaf.vhd");
}

static const struct {
	const char *code;
	void (*make)(void);
} cases[] = {
	{"parent-missing", make_missing}, {"parent-mismatch", make_mismatch},
	{"chain-loop", make_loop},        {"chain-too-long", make_long},
	{"parent-damaged", make_damaged},
};

static void note(void *ctx, const char *path, const struct vhd_fault *fault)
{
	char *codes = ctx;
	size_t len = strlen(codes);

	(void)path;
	if (fault->repairable)
		strcat(codes, "repairable ");
	snprintf(codes + len, 256 - len, "%s ", fault->code);
}

static int run_case(size_t i)
{
	const struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = VHD_FORMAT_VHD,
	};
	struct vhd_check_result result;
	char codes[256] = "", want[256];
	int rc;

	cases[i].make();
	rc = vhd_check("leaf.vhd", &options, VHD_CHECK_PARENTS, note, codes,
		       &result, NULL);
	snprintf(want, sizeof(want), "%s ", cases[i].code);
	if (!rc && strcmp(codes, want) == 0 && result.corruptions == 1)
		return 0;
	fprintf(stderr, "a check finds '%s', wanted '%s'\n", codes, want);
	return 1;
}

int main(int argc, char **argv)
{
	size_t count = sizeof(cases) / sizeof(cases[0]);
	int bad = 0;

	if (argc == 2 && strcmp(argv[1], "--codes") == 0) {
		for (size_t i = 0; i < count; i++)
			puts(cases[i].code);
		return 0;
	}
	if (argc != 2 || chdir(argv[1])) {
		perror("chains");
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		bad |= run_case(i);
	return bad;
}
