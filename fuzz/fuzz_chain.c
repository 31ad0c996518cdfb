/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Up to four files as a chain: leaf, parent, and so on, perhaps coming back to
 * itself. What the disk maps and reads is what its layers give one by one, from
 * the leaf on and from the first parent on.
 *
 * The target's bits of byte 0: bit 2, identities are ignored; bit 3, block
 * tables are verified.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvhd.h>

#include "core/checked.h"
#include "pieces.h"

#define STEPS 256
#define PROBE 4096u
#define SKIP  ((uint64_t)256 << 10)

static void fail(const char *what, uint64_t offset, int have, int want)
{
	fprintf(stderr, "%s at %" PRIu64 ": %d, wanted %d\n", what, offset,
		have, want);
	abort();
}

/* -- what the layers say, one by one -----------------------------------------
 */

static int layers_extent(struct vhd_disk *disk, unsigned first, uint64_t offset,
			 uint64_t length, struct vhd_extent *x)
{
	unsigned count = vhd_disk_layers(disk);

	for (unsigned i = first; i < count; i++) {
		struct vhd_image *image = vhd_disk_image(disk, i);
		uint64_t size = vhd_image_size(image);
		int rc;

		*x = (struct vhd_extent){offset, length, 0, VHD_EXTENT_ZERO, i};
		if (offset >= size)
			return 0;
		length = vhd_min(length, size - offset);
		rc = vhd_image_extent(image, offset, length, x, NULL);
		x->depth = i;
		if (rc || x->kind != VHD_EXTENT_PARENT)
			return rc;
		length = x->length;
	}
	return 0; /* no base without a parent gets here */
}

static int layers_read(struct vhd_disk *disk, unsigned first, uint64_t offset,
		       uint8_t *buf, size_t len)
{
	struct vhd_extent x;
	int rc = 0;

	memset(buf, 0, len);
	for (; len && !rc; offset += x.length, buf += x.length) {
		rc = layers_extent(disk, first, offset, len, &x);
		if (!rc && x.kind == VHD_EXTENT_DATA)
			rc = vhd_file_read(
				vhd_image_file(vhd_disk_image(disk, x.depth)),
				x.offset, buf, (size_t)x.length);
		if (!rc)
			len -= (size_t)x.length;
	}
	return rc;
}

/* -- the disk against them ---------------------------------------------------
 */

static void compare_bytes(struct vhd_disk *disk, unsigned first,
			  uint64_t offset, uint64_t length)
{
	static uint8_t have[PROBE], want[PROBE];
	size_t n = (size_t)vhd_min(length, PROBE);
	int a = vhd_disk_layer_read(disk, first, offset, have, n, NULL);
	int b = layers_read(disk, first, offset, want, n);

	if (a != b)
		fail("reading", offset, a, b);
	if (!a && memcmp(have, want, n) != 0)
		fail("content", offset, 0, 0);
}

/* returns the extent's length, or 0 where there is damage */
static uint64_t compare_extent(struct vhd_disk *disk, unsigned first,
			       uint64_t offset, uint64_t length)
{
	struct vhd_extent x = {0}, y = {0};
	int a = vhd_disk_layer_extent(disk, first, offset, length, &x, NULL);
	int b = layers_extent(disk, first, offset, length, &y);

	if (a != b)
		fail("mapping", offset, a, b);
	if (a)
		return 0;
	if (x.kind != y.kind || x.offset != y.offset || x.depth != y.depth)
		fail("extent", offset, (int)x.kind, (int)y.kind);
	if (x.start != offset || x.length != y.length)
		fail("length", offset, (int)x.length, (int)y.length);
	return x.length;
}

/* a read that begins before an extent and ends in it, too */
static void walk(struct vhd_disk *disk, unsigned first, uint64_t size)
{
	uint64_t offset = 0, n;

	for (int i = 0; i < STEPS && offset < size; i++) {
		uint64_t before = vhd_min(offset, 1000);

		n = compare_extent(disk, first, offset, size - offset);
		compare_bytes(disk, first, offset - before,
			      size - offset + before);
		offset += n ? n : vhd_min(SKIP, size - offset);
	}
	if (size)
		compare_extent(disk, first, size - 1, 1);
}

static void try_chain(struct pieces *p)
{
	uint32_t flags = (p->flags & 4 ? VHD_DISK_IGNORE_ID : 0) |
			 (p->flags & 8 ? VHD_DISK_VERIFY : 0);
	struct vhd_disk *disk;
	unsigned layers;

	if (pieces_open(p, flags, &disk))
		return;
	layers = vhd_disk_layers(disk);
	if (layers > p->count)
		fail("layers", 0, (int)layers, (int)p->count);
	if (vhd_image_has_parent(vhd_disk_image(disk, layers - 1)))
		fail("the base has a parent", 0, 1, 0);
	walk(disk, 0, vhd_disk_size(disk));
	if (layers > 1)
		walk(disk, 1, vhd_image_size(vhd_disk_image(disk, 1)));
	vhd_disk_close(disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pieces p;

	if (!pieces_decode(data, size, &p))
		return 0;
	try_chain(&p);
	pieces_drop(&p);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room,
			       unsigned seed)
{
	return pieces_mutate(data, size, room, seed);
}
