/* SPDX-License-Identifier: BSD-2-Clause */
#include "shown.h"

#include <string.h>

#include <libvhd.h>

#include "core/checked.h"

/* one disk never takes more steps than this, so that time stays bounded */
#define STEPS 512
#define PROBE 4096u
#define SKIP  ((uint64_t)256 << 10)

static struct vhd_image *open_image(struct cow *content, int format)
{
	const struct vhd_image_options options = {
		.size = sizeof(options),
		.format = format,
	};
	struct vhd_file *file = cow_file(content, false);
	struct vhd_image *image;

	if (!vhd_image_open(file, &options, &image, NULL))
		return image;
	vhd_file_close(file);
	return NULL;
}

/* the bytes of an extent at its start; false if they cannot be read */
static bool probe(struct vhd_image *image, const struct vhd_extent *x,
		  uint64_t skip, uint8_t *bytes, size_t len)
{
	memset(bytes, 0, len);
	return x->kind != VHD_EXTENT_DATA ||
	       !vhd_file_read(vhd_image_file(image), x->offset + skip, bytes,
			      len);
}

static const char *same_probe(struct vhd_image *a, const struct vhd_extent *x,
			      struct vhd_image *b, const struct vhd_extent *y,
			      uint64_t skip)
{
	static uint8_t mine[PROBE], theirs[PROBE];
	size_t n = (size_t)vhd_min(PROBE, x->length - skip);

	if (!probe(a, x, skip, mine, n))
		return NULL;
	if (!probe(b, y, skip, theirs, n))
		return "content cannot be read any more";
	return memcmp(mine, theirs, n) ? "content is another" : NULL;
}

/* one step of both; *at moves on */
static const char *step(struct vhd_image *a, struct vhd_image *b, uint64_t *at)
{
	uint64_t rest = vhd_image_size(a) - *at;
	struct vhd_extent x, y;
	const char *wrong;

	if (vhd_image_extent(a, *at, rest, &x, NULL)) {
		*at += vhd_min(rest, SKIP);
		return NULL;
	}
	if (vhd_image_extent(b, *at, x.length, &y, NULL))
		return "a range cannot be mapped any more";
	if ((x.kind == VHD_EXTENT_PARENT) != (y.kind == VHD_EXTENT_PARENT))
		return "a range is of another layer";
	x.length = y.length;
	wrong = same_probe(a, &x, b, &y, 0);
	if (!wrong && x.length > PROBE)
		wrong = same_probe(a, &x, b, &y, x.length - PROBE);
	if (!wrong)
		*at += x.length;
	return wrong;
}

static const char *walk(struct vhd_image *a, struct vhd_image *b, uint64_t *at)
{
	const char *wrong = NULL;

	*at = 0;
	if (vhd_image_size(a) != vhd_image_size(b))
		return "the disk has another size";
	for (int i = 0; i < STEPS && !wrong && *at < vhd_image_size(a); i++)
		wrong = step(a, b, at);
	return wrong;
}

const char *shown_kept(struct cow *before, struct cow *after, int format,
		       uint64_t *where)
{
	struct vhd_image *a = open_image(before, format), *b;
	const char *wrong = NULL;

	*where = 0;
	if (!a)
		return NULL;
	b = open_image(after, format);
	wrong = b ? walk(a, b, where) : "it does not open any more";
	vhd_image_close(b);
	vhd_image_close(a);
	return wrong;
}

const char *shown_whole(struct cow *content, int format, uint64_t *where)
{
	struct vhd_image *image = open_image(content, format);
	const char *wrong = NULL;
	struct vhd_extent x;

	*where = 0;
	if (!image)
		return "it does not open";
	for (int i = 0; i < STEPS && *where < vhd_image_size(image); i++) {
		uint64_t rest = vhd_image_size(image) - *where;

		if (vhd_image_extent(image, *where, rest, &x, NULL)) {
			wrong = "a range cannot be mapped";
			break;
		}
		*where += x.length;
	}
	vhd_image_close(image);
	return wrong;
}
