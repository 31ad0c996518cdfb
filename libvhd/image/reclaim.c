/* SPDX-License-Identifier: BSD-2-Clause */
/* What a durable change let go of becomes free, and its bytes the host's. */
#include "writer.h"

#include <string.h>

/* the longest rest of a page between two places of a VHD */
#define SLACK 4096u

/* a range of the file that goes back to the host */
struct giving {
	uint64_t start;
	uint64_t end;
};

/*
 * May [start, end), between two places that go, go with them? A VHD's places
 * have the rest of a page between them, which may hold anything. If it holds
 * zeros, a hole changes nothing, unless somebody is about to write there.
 */
static bool goes_with_them(struct vhd_image *image, uint64_t start,
			   uint64_t end)
{
	uint8_t buf[SLACK];
	size_t len = (size_t)(end - start);

	if (start >= end)
		return start == end;
	if (!image->writer->alone || end - start > sizeof(buf) ||
	    vhd_file_read(image->file, start, buf, len))
		return false;
	return !buf[0] && memcmp(buf, buf + 1, len - 1) == 0;
}

static void punch(struct vhd_image *image, const struct giving *g)
{
	if (g->start < g->end)
		vhd_file_punch(image->file, g->start, g->end - g->start);
}

/* places side by side go as one: that is less work for the host */
static void give(struct vhd_image *image, struct giving *g, uint64_t offset,
		 uint64_t length)
{
	uint64_t end = offset + length;
	bool some = g->start < g->end;

	if (end > image->writer->file_size)
		return;
	if (some && goes_with_them(image, g->end, offset)) {
		g->end = end;
	} else if (some && goes_with_them(image, end, g->start)) {
		g->start = offset;
	} else {
		punch(image, g);
		*g = (struct giving){offset, end};
	}
}

void vhd_write_reclaim(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	uint64_t epoch, offset, length;
	struct giving g = {0, 0};

	/* two steps on, if nobody is inside, and all that is durable is safe */
	vhd_epoch_advance(&w->epoch);
	epoch = vhd_epoch_advance(&w->epoch);
	while (vhd_space_next_safe(w->space, epoch, &offset, &length)) {
		give(image, &g, offset, length);
		vhd_space_return(w->space, offset, length);
	}
	punch(image, &g);
}
