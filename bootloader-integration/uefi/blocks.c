/* SPDX-License-Identifier: BSD-2-Clause */
#include "blocks.h"

#include "core/checked.h"
#include "core/diag.h"
#include "core/mem.h"
#include "memory.h"

/* there are firmwares that fail when asked for more */
#define DIRECT_MAX ((size_t)1 << 20)

int blocks_start(struct blocks *b, struct vhd_diag *diag)
{
	uint32_t align = b->align < 16 ? 16 : b->align;

	if (!vhd_is_pow2(b->size) || b->size < 512 ||
	    b->size > BLOCKS_SIZE_MAX || !vhd_is_pow2(align) ||
	    align > BLOCKS_SIZE_MAX || b->count > UINT64_MAX / b->size)
		return vhd_fail(diag, VHD_E_UNSUPPORTED, "volume",
				VHD_NO_OFFSET,
				"the device has blocks of a strange size");
	b->align = align;
	b->memory = memory_get(BLOCKS_BOUNCE + align);
	if (!b->memory)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				"no memory for a buffer");
	b->bounce =
		(uint8_t *)b->memory + (-(uintptr_t)b->memory & (align - 1));
	return 0;
}

void blocks_stop(struct blocks *b)
{
	memory_put(b->memory);
	b->memory = NULL;
}

static bool fits(const struct blocks *b, uint64_t offset, const void *buf,
		 size_t len)
{
	return len >= b->size && vhd_is_aligned(offset, b->size) &&
	       vhd_is_aligned((uintptr_t)buf, b->align);
}

/* one step, straight or through the buffer; returns its length or an error */
static int64_t step(struct blocks *b, uint64_t offset, uint8_t *buf, size_t len)
{
	uint64_t block = offset >> vhd_shift_of(b->size);
	size_t skip = (size_t)(offset & (b->size - 1)), n;
	int rc;

	if (fits(b, offset, buf, len)) {
		n = (size_t)vhd_round_down(vhd_min(len, DIRECT_MAX), b->size);
		rc = b->read(b->ctx, block, buf, n);
		return rc ? rc : (int64_t)n;
	}
	n = (size_t)vhd_min(len, BLOCKS_BOUNCE - skip);
	rc = b->read(b->ctx, block, b->bounce,
		     (size_t)vhd_round_up(skip + n, b->size));
	if (rc)
		return rc;
	memcpy(buf, b->bounce + skip, n);
	return (int64_t)n;
}

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	struct blocks *b = ctx;
	uint8_t *to = buf;

	if (!vhd_inside(offset, len, b->count * b->size))
		return VHD_E_RANGE;
	while (len) {
		int64_t n = step(b, offset, to, len);

		if (n < 0)
			return (int)n;
		to += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

struct vhd_source blocks_source(struct blocks *blocks)
{
	return (struct vhd_source){blocks, read_at,
				   blocks->count * blocks->size};
}
