/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chain of up to four files through both readers, the loader's in its
 * smallest or its usual window: both refuse it, or both show one disk. Places
 * are read in an order that follows from the input, so that the loader's few
 * pages are given up and fetched again.
 *
 * Where a window is too small, the loader may say VHD_E_LIMIT; where both
 * refuse, they may do so for another reason.
 *
 * The target's bits of byte 0: bit 2, the smallest window; bits 3 to 7 choose
 * the places.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvhd.h>

#include "core/checked.h"
#include "pieces.h"
#include "support/reader.h"

#define READS 64
#define PIECE 8192u

struct loader {
	struct reader layers[PIECES_MAX];
	struct vhd_boot *leaf;
};

static void fail(const char *what, uint64_t offset, int loader, int hosted)
{
	fprintf(stderr, "%s differs at %" PRIu64 ": loader %d, hosted %d\n",
		what, offset, loader, hosted);
	abort();
}

static bool is_resource(int rc)
{
	return rc == VHD_E_LIMIT || rc == VHD_E_NOMEM;
}

/* the loader looks at the names first */
static void read_names(struct vhd_boot *boot)
{
	char name[256];
	int rc = 0;

	for (unsigned i = 0; rc != VHD_E_NOENT && i < 64; i++) {
		rc = vhd_boot_parent_path(boot, i, name, sizeof(name));
		if (rc && rc != VHD_E_LIMIT)
			break;
		if (!rc && (!name[0] || name[0] == '/'))
			fail("a name that leads away", i, 0, 0);
	}
}

static int open_layer(struct loader *l, struct pieces *p, unsigned i)
{
	size_t window = p->flags & 4 ? VHD_BOOT_WINDOW_MIN : VHD_BOOT_WINDOW;

	if (l->layers[i].boot)
		return VHD_E_LOOP; /* it is in the chain already */
	return reader_open_window(&l->layers[i], p->files[i].file,
				  p->files[0].format, window);
}

static int open_loader(struct loader *l, struct pieces *p)
{
	unsigned at = 0;
	int rc = open_layer(l, p, 0);

	l->leaf = l->layers[0].boot;
	while (!rc && vhd_boot_needs_parent(l->layers[at].boot)) {
		int parent = pieces_parent(p, at);

		read_names(l->layers[at].boot);
		if (parent < 0)
			return VHD_E_PARENT;
		rc = open_layer(l, p, (unsigned)parent);
		if (rc == VHD_E_LOOP &&
		    !vhd_boot_set_parent(l->layers[at].boot,
					 l->layers[parent].boot, NULL))
			fail("a loop", at, 0, rc);
		if (!rc)
			rc = vhd_boot_set_parent(l->layers[at].boot,
						 l->layers[parent].boot, NULL);
		at = (unsigned)parent;
	}
	return rc;
}

static void compare_read(struct loader *l, struct vhd_disk *disk,
			 uint64_t offset, size_t len)
{
	static uint8_t mine[PIECE], theirs[PIECE];
	int loader = vhd_boot_read(l->leaf, offset, mine, len);
	int hosted = vhd_disk_read(disk, offset, theirs, len, NULL);

	if (!loader != !hosted)
		fail("reading", offset, loader, hosted);
	if (!loader && memcmp(mine, theirs, len) != 0)
		fail("content", offset, 0, 0);
}

static uint64_t compare_extent(struct loader *l, struct vhd_disk *disk,
			       uint64_t offset, uint64_t rest)
{
	struct vhd_extent x, y;
	int loader = vhd_boot_extent(l->leaf, offset, rest, &x);
	int hosted = vhd_disk_extent(disk, offset, rest, &y, NULL);

	if (!loader != !hosted)
		fail("mapping", offset, loader, hosted);
	if (loader)
		return 0;
	if (x.kind != y.kind || x.offset != y.offset || x.depth != y.depth ||
	    x.length != y.length)
		fail("extent", offset, (int)x.kind, (int)y.kind);
	return x.length;
}

/* places by lot, and the ends of the extents found there */
static void compare_places(struct loader *l, struct vhd_disk *disk,
			   uint64_t seed)
{
	uint64_t size = vhd_disk_size(disk);

	for (int i = 0; i < READS && size; i++) {
		uint64_t at, n;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		/* half of them near the start, where seeds have their data */
		at = (seed >> 20) %
		     (seed & 8 ? vhd_min(size, 16u << 20) : size);
		n = compare_extent(l, disk, at, size - at);
		at += seed & 16 && n ? n - 1 : 0;
		compare_read(l, disk, at, (size_t)vhd_min(size - at, PIECE));
	}
}

static void compare(struct loader *l, struct pieces *p)
{
	struct vhd_disk *disk = NULL;
	int loader = open_loader(l, p);
	int hosted = pieces_open(p, 0, &disk);

	if (!loader != !hosted && !is_resource(loader) && !is_resource(hosted))
		fail("opening", 0, loader, hosted);
	if (!loader && !hosted) {
		if (vhd_boot_disk_size(l->leaf) != vhd_disk_size(disk))
			fail("size", 0, 0, 0);
		if (vhd_boot_sector_size(l->leaf) != vhd_disk_sector_size(disk))
			fail("sector size", 0, 0, 0);
		compare_places(l, disk, p->flags >> 3);
	}
	vhd_disk_close(disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct loader l = {0};
	struct pieces p;

	if (!pieces_decode(data, size, &p))
		return 0;
	compare(&l, &p);
	for (unsigned i = 0; i < PIECES_MAX; i++)
		reader_drop(&l.layers[i]);
	pieces_drop(&p);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room,
			       unsigned seed)
{
	return pieces_mutate(data, size, room, seed);
}
