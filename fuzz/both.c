/* SPDX-License-Identifier: BSD-2-Clause */
#include "both.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvhd.h>

#include "core/checked.h"
#include "support/reader.h"
#include "support/sparse_file.h"

/* one call never maps more than this, so that time stays bounded */
#define SPAN   ((uint64_t)1 << 34)
#define STEPS  256
#define PLACES 32
#define PROBE  8192u
#define HINTS  512

struct both {
	struct reader loader;
	struct vhd_disk *disk; /* the leaf alone: PARENT reads as zeros */
	struct vhd_image *image;
};

static void differ(const char *what, uint64_t offset, int loader, int hosted)
{
	fprintf(stderr, "%s differs at %llu: loader %d, hosted %d\n", what,
		(unsigned long long)offset, loader, hosted);
	abort();
}

/* memory is no verdict on an image */
static bool is_resource(int rc)
{
	return rc == VHD_E_LIMIT || rc == VHD_E_NOMEM;
}

static int open_hosted(struct both *b, struct sparse *file, int format)
{
	struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = format,
		.flags = VHD_DISK_LAYER,
	};
	struct vhd_file *f = sparse_file_new(file);
	int rc = vhd_disk_open_file(f, "input", &options, &b->disk, NULL);

	if (rc)
		vhd_file_close(f);
	else
		b->image = vhd_disk_image(b->disk, 0);
	return rc;
}

static bool open_both(struct both *b, struct sparse *file, int format)
{
	int loader = reader_open(&b->loader, file, format);
	int hosted = open_hosted(b, file, format);

	if (loader != hosted && !is_resource(loader) && !is_resource(hosted))
		differ("opening", 0, loader, hosted);
	return !loader && !hosted;
}

static void compare_facts(const struct both *b)
{
	uint64_t size = vhd_boot_disk_size(b->loader.boot);

	if (size != vhd_disk_size(b->disk))
		differ("size", size, 0, 0);
	if (vhd_boot_sector_size(b->loader.boot) !=
	    vhd_disk_sector_size(b->disk))
		differ("sector size", 0, 0, 0);
	if (vhd_boot_conditions(b->loader.boot) !=
	    vhd_image_conditions(b->image))
		differ("conditions", 0,
		       (int)vhd_boot_conditions(b->loader.boot),
		       (int)vhd_image_conditions(b->image));
}

/* the loader calls a missing parent an error, the image a kind */
static int loader_extent(struct both *b, uint64_t offset, uint64_t length,
			 struct vhd_extent *e)
{
	int rc = vhd_boot_extent(b->loader.boot, offset, length, e);

	if (rc == VHD_E_PARENT) {
		e->kind = VHD_EXTENT_PARENT;
		e->offset = 0;
		return 0;
	}
	return rc;
}

static void compare_bytes(struct both *b, uint64_t offset, uint64_t length)
{
	static uint8_t mine[PROBE], theirs[PROBE];
	size_t n = length < PROBE ? (size_t)length : PROBE;
	int loader = vhd_boot_read(b->loader.boot, offset, mine, n);
	int hosted = vhd_disk_read(b->disk, offset, theirs, n, NULL);

	if (loader != hosted)
		differ("reading", offset, loader, hosted);
	if (!loader && memcmp(mine, theirs, n) != 0)
		differ("content", offset, 0, 0);
}

/* returns where to go on; 0 for "nothing can be said here" */
static uint64_t compare_extent(struct both *b, uint64_t offset, uint64_t length)
{
	struct vhd_extent mine = {0}, theirs = {0};
	int loader = loader_extent(b, offset, length, &mine);
	int hosted = vhd_image_extent(b->image, offset, length, &theirs, NULL);

	if (loader != hosted)
		differ("mapping", offset, loader, hosted);
	if (loader)
		return 0;
	if (mine.kind != theirs.kind || mine.offset != theirs.offset)
		differ("extent", offset, (int)mine.kind, (int)theirs.kind);
	if (mine.kind != VHD_EXTENT_PARENT && mine.length != theirs.length)
		differ("length", offset, (int)mine.length, (int)theirs.length);
	if (mine.kind == VHD_EXTENT_DATA) {
		compare_bytes(b, offset, theirs.length);
		if (theirs.length > PROBE)
			compare_bytes(b, offset + theirs.length - PROBE, PROBE);
	}
	return theirs.length;
}

static void walk(struct both *b)
{
	uint64_t size = vhd_disk_size(b->disk), offset = 0, lot = size;

	for (int i = 0; i < STEPS && offset < size; i++) {
		uint64_t rest = size - offset;
		uint64_t n =
			compare_extent(b, offset, rest < SPAN ? rest : SPAN);

		/* behind damage: the next place that may differ */
		if (!n)
			n = 256u << 10;
		if (n > rest)
			break;
		offset += n;
	}
	if (size)
		compare_extent(b, size - 1, 1);
	/* and places by lot, which the steps may not have reached */
	for (int i = 0; i < PLACES && size; i++) {
		lot = lot * 6364136223846793005u + 1442695040888963407u;
		offset = (lot >> 20) % size;
		compare_extent(b, offset, vhd_min(size - offset, SPAN));
	}
}

void both_compare(struct sparse *file, int format)
{
	struct both b = {0};

	if (open_both(&b, file, format)) {
		compare_facts(&b);
		walk(&b);
	}
	vhd_disk_close(b.disk);
	reader_drop(&b.loader);
}

static void ignore_fault(void *ctx, const struct vhd_fault *fault)
{
	size_t *sum = ctx;

	*sum += strlen(fault->code) + strlen(fault->message);
}

static void ignore_field(void *ctx, const struct vhd_field *field)
{
	size_t *sum = ctx;

	*sum += strlen(field->name) + strlen(field->value);
}

static void ignore_entry(void *ctx, const struct vhd_log_entry *entry)
{
	size_t *sum = ctx;

	*sum += entry->why ? strlen(entry->why) : 0;
}

/* a text of at most `size` bytes, its NUL included */
static void check_text(const char *text, size_t size)
{
	if (!memchr(text, 0, size))
		abort();
}

static void ask_parents(struct vhd_image *image)
{
	struct vhd_parent_hint hint;
	int rc = 0;

	for (unsigned i = 0; rc != VHD_E_RANGE && i < HINTS; i++) {
		rc = vhd_image_parent_hint(image, i, &hint);
		if (rc == VHD_E_IO || rc == VHD_E_NOMEM)
			break;
		if (rc)
			continue;
		check_text(hint.key, sizeof(hint.key));
		check_text(hint.stored, sizeof(hint.stored));
		check_text(hint.path, sizeof(hint.path));
		if (hint.relative && hint.path[0] == '/')
			abort();
	}
}

static void ask_items(struct vhd_image *image)
{
	static uint8_t bytes[PROBE];
	struct vhd_metadata_item item;
	uint32_t length;

	for (unsigned i = 0; !vhd_image_metadata(image, i, &item); i++) {
		check_text(item.id_text, sizeof(item.id_text));
		if (!vhd_image_metadata_read(image, &item.id, bytes,
					     sizeof(bytes), &length) &&
		    (length > sizeof(bytes) || !item.user))
			abort();
	}
}

static void ask_image(struct sparse *file, int format)
{
	const struct vhd_image_options options = {
		.size = sizeof(options),
		.format = format,
	};
	struct vhd_file *f = sparse_file_new(file);
	struct vhd_image_usage usage;
	struct vhd_image_info info;
	struct vhd_image *image;

	if (vhd_image_open(f, &options, &image, NULL)) {
		vhd_file_close(f);
		return;
	}
	vhd_image_get_info(image, &info);
	check_text(info.creator, sizeof(info.creator));
	check_text(info.creator_name, sizeof(info.creator_name));
	ask_parents(image);
	ask_items(image);
	(void)vhd_image_usage(image, 1u << 20, &usage, NULL);
	vhd_image_close(image);
}

void both_look_inside(struct sparse *file, int format)
{
	struct vhd_file *f = sparse_file_new(file);
	struct vhd_log_info info;
	struct vhd_diag diag;
	size_t sum = 0;

	vhd_image_check(f, format, ignore_fault, &sum, &diag);
	vhd_image_dump(f, format, ignore_field, &sum, &diag);
	vhd_image_log(f, ignore_entry, &sum, &info, &diag);
	vhd_file_close(f);
	ask_image(file, format);
}
