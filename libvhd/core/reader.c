/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader's reader (include/libvhd/boot.h).
 *
 * The caller's window is laid out as
 *
 *   [overlay index of a dirty log][tags][pages ...............]
 *                                        [scratch, 64 KiB, while opening]
 *
 * Pages are a direct-mapped cache: one place for each page of the file. Chains
 * are walked in a loop, so depth costs no stack.
 */
#include <libvhd/boot.h>

#include "candidate.h"
#include "checked.h"
#include "diag.h"
#include "guid.h"
#include "map.h"
#include "mem.h"
#include "vhd1_open.h"
#include "vhdx_open.h"

#define PAGE    VHD_WINDOW_PAGE
#define NO_PAGE UINT64_MAX

struct vhd_boot {
	struct vhd_window window; /* first: the mapper hands it back */
	struct vhd_source file;   /* as it is */
	struct vhd_source source; /* as it reads after log replay */
	struct vhdx_overlay overlay;
	struct vhd_map map;
	int format;
	uint32_t sector_size;
	uint32_t conditions;
	struct vhd_boot *parent;
	uint8_t *memory; /* the window behind the overlay */
	size_t memory_size;
	uint64_t *tags;
	uint8_t *pages;
	uint32_t page_count;
	union {
		struct vhd1_meta vhd1;
		struct vhdx_meta vhdx;
	} meta;
};

size_t vhd_boot_size(void)
{
	return sizeof(struct vhd_boot);
}

static uint32_t place_of(const struct vhd_boot *b, uint64_t page)
{
	uint32_t hash = (uint32_t)(page ^ page >> 32) * 2654435761u;

	return (uint32_t)(((uint64_t)hash * b->page_count) >> 32);
}

static int fill_page(struct vhd_boot *b, uint32_t place, uint64_t page)
{
	uint8_t *data = b->pages + (size_t)place * PAGE;
	uint64_t at = page * PAGE;
	size_t have = (size_t)vhd_min(PAGE, b->source.size - at);
	int rc;

	b->tags[place] = NO_PAGE;
	memset(data + have, 0, PAGE - have);
	rc = vhd_source_read(&b->source, at, data, have);
	if (!rc)
		b->tags[place] = page;
	return rc;
}

static int load(struct vhd_window *window, uint64_t offset, void *buf,
		size_t len)
{
	struct vhd_boot *b = (struct vhd_boot *)(void *)window;
	uint64_t page = offset / PAGE;
	uint32_t place = place_of(b, page);
	int rc;

	if (!vhd_inside(offset, len, b->source.size))
		return VHD_E_CORRUPT;
	if (b->tags[place] != page) {
		rc = fill_page(b, place, page);
		if (rc)
			return rc;
	}
	memcpy(buf, b->pages + (size_t)place * PAGE + offset % PAGE, len);
	return 0;
}

static void start_cache(struct vhd_boot *b)
{
	b->page_count = (uint32_t)((b->memory_size - 8) >> 12);
	while (b->page_count * (PAGE + sizeof(uint64_t)) > b->memory_size)
		b->page_count--;
	b->tags = (void *)b->memory;
	b->pages = b->memory + b->page_count * sizeof(uint64_t);
	for (uint32_t i = 0; i < b->page_count; i++)
		b->tags[i] = NO_PAGE;
}

static uint8_t *scratch_of(const struct vhd_boot *b)
{
	return b->memory + b->memory_size - VHDX_SCRATCH;
}

static int open_vhd1(struct vhd_boot *b, struct vhd_diag *diag)
{
	int rc = vhd1_open(&b->source, VHD1_SIZE_CURRENT, scratch_of(b),
			   &b->meta.vhd1, &b->map, diag);

	b->conditions = b->meta.vhd1.conditions;
	b->sector_size = VHD1_SECTOR;
	return rc;
}

/* replays a dirty log into the front of the window */
static int replay(struct vhd_boot *b, struct vhd_diag *diag)
{
	struct vhdx_log log = vhdx_log_of(
		&b->file, &b->meta.vhdx.headers.current, scratch_of(b));
	struct vhdx_log_active active;
	size_t used;
	int rc = vhdx_log_find(&log, &active, NULL);

	if (rc == VHD_E_LOG) {
		b->meta.vhdx.conditions |= VHD_COND_LOG_INVALID;
		return 0;
	}
	if (rc) /* once more, for the message */
		return vhdx_log_find(&log, &active, diag);
	rc = vhdx_overlay_build(&log, &active, b->memory,
				b->memory_size - VHDX_SCRATCH, &b->overlay,
				diag);
	if (rc)
		return rc;
	used = (vhdx_overlay_bytes(&active) + 15) & ~(size_t)15;
	b->memory += used;
	b->memory_size -= used;
	b->source = (struct vhd_source){&b->overlay, vhdx_overlay_read,
					b->overlay.size};
	b->meta.vhdx.conditions |= VHD_COND_LOG_DIRTY;
	return 0;
}

static int open_vhdx(struct vhd_boot *b, struct vhd_diag *diag)
{
	struct vhdx_meta *meta = &b->meta.vhdx;
	int rc = vhdx_open_headers(&b->file, scratch_of(b), meta, diag);

	if (!rc && !vhd_guid_is_null(&meta->headers.current.log_guid))
		rc = replay(b, diag);
	if (!rc && b->memory_size < VHD_BOOT_WINDOW_MIN / 4 + VHDX_SCRATCH / 2)
		rc = vhd_fail(diag, VHD_E_LIMIT, "VHDX log", VHD_NO_OFFSET,
			      "the pending updates leave no memory to read "
			      "with");
	if (!rc)
		rc = vhdx_open_body(&b->source, scratch_of(b), meta, &b->map,
				    diag);
	b->conditions = meta->conditions;
	b->sector_size = meta->metadata.logical_sector;
	return rc;
}

static int open_raw(struct vhd_boot *b)
{
	b->map = (struct vhd_map){
		.kind = VHD_MAP_LINEAR,
		.size = b->source.size,
		.limit = b->source.size,
		.sector_shift = 9,
	};
	b->sector_size = VHD1_SECTOR;
	return 0;
}

int vhd_boot_open(void *state, const struct vhd_source *source, int format,
		  void *window, size_t window_size, struct vhd_boot **out,
		  struct vhd_diag *diag)
{
	struct vhd_boot *b = state;
	int rc;

	if (window_size < VHD_BOOT_WINDOW_MIN)
		return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				"the window is too small");
	memset(b, 0, sizeof(*b));
	b->window.load = load;
	b->file = *source;
	b->source = *source;
	b->format = format;
	b->memory = window;
	b->memory_size = window_size;
	if (format == VHD_FORMAT_VHD)
		rc = open_vhd1(b, diag);
	else if (format == VHD_FORMAT_VHDX)
		rc = open_vhdx(b, diag);
	else if (format == VHD_FORMAT_RAW)
		rc = open_raw(b);
	else
		rc = vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
			      "unknown format");
	if (rc)
		return rc;
	start_cache(b);
	*out = b;
	return 0;
}

uint64_t vhd_boot_disk_size(const struct vhd_boot *boot)
{
	return boot->map.size;
}

uint32_t vhd_boot_sector_size(const struct vhd_boot *boot)
{
	return boot->sector_size;
}

uint32_t vhd_boot_conditions(const struct vhd_boot *boot)
{
	return boot->conditions;
}

int vhd_boot_needs_parent(const struct vhd_boot *boot)
{
	return boot->map.has_parent && !boot->parent;
}

/* Candidate `k` of an image; the window's cache serves as scratch. */
static int candidate(struct vhd_boot *b, unsigned k, char *buf, size_t size,
		     enum vhd_path_kind *kind)
{
	struct vhdx_locator locator;
	int rc;

	if (b->format == VHD_FORMAT_VHD)
		return k < VHD1_CANDIDATES
			       ? vhd1_candidate(&b->source,
						&b->meta.vhd1.header, k,
						scratch_of(b), VHDX_SCRATCH,
						buf, size, kind)
			       : VHD_E_RANGE;
	if (k >= VHDX_CANDIDATES)
		return VHD_E_RANGE;
	rc = vhdx_locator_read(&b->source, &b->meta.vhdx.metadata,
			       scratch_of(b), VHDX_SCRATCH, &locator, NULL);
	return rc ? rc : vhdx_candidate(&locator, k, buf, size, kind);
}

/* each candidate gives two names: itself, and its last component */
static int usable_name(struct vhd_boot *b, unsigned k, bool base, char *buf,
		       size_t size)
{
	enum vhd_path_kind kind;
	const char *name;
	size_t n = 0;
	int rc = candidate(b, k, buf, size, &kind);

	if (rc)
		return rc;
	name = vhd_path_base(buf);
	if (!base)
		return kind == VHD_PATH_RELATIVE && !vhd_path_climbs(buf)
			       ? 0
			       : VHD_E_NOENT;
	if (name == buf && kind == VHD_PATH_RELATIVE)
		return VHD_E_NOENT; /* the same name again */
	while (name[n])
		n++;
	memmove(buf, name, n + 1);
	return 0;
}

int vhd_boot_parent_path(struct vhd_boot *boot, unsigned index, char *buf,
			 size_t size)
{
	unsigned found = 0;
	int rc = boot->map.has_parent ? 0 : VHD_E_RANGE;

	for (unsigned i = 0; rc != VHD_E_RANGE; i++) {
		rc = usable_name(boot, i / 2, i & 1, buf, size);
		if (rc && rc != VHD_E_NOENT && rc != VHD_E_RANGE)
			break;
		if (!rc && found++ == index)
			break;
	}
	start_cache(boot);
	return rc == VHD_E_RANGE ? VHD_E_NOENT : rc;
}

static bool is_parent_of(const struct vhd_boot *child,
			 const struct vhd_boot *parent)
{
	if (child->format != parent->format)
		return false;
	if (child->format == VHD_FORMAT_VHD)
		return vhd_guid_equal(&child->meta.vhd1.header.parent_id,
				      &parent->meta.vhd1.footer.id);
	return vhdx_linkage_matches(
		&child->meta.vhdx.linkage,
		&parent->meta.vhdx.headers.current.data_write_guid);
}

int vhd_boot_set_parent(struct vhd_boot *child, struct vhd_boot *parent,
			struct vhd_diag *diag)
{
	uint32_t depth = 0;

	if (!child->map.has_parent || child->parent)
		return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				"the image takes no parent");
	if (!is_parent_of(child, parent))
		return vhd_fail(diag, VHD_E_MISMATCH, NULL, VHD_NO_OFFSET,
				"this is not the parent the image was made "
				"of, or the parent was changed since");
	if (child->sector_size != parent->sector_size)
		return vhd_fail(diag, VHD_E_MISMATCH, NULL, VHD_NO_OFFSET,
				"the parent has another sector size");
	for (const struct vhd_boot *b = parent; b; b = b->parent) {
		if (b == child)
			return vhd_fail(diag, VHD_E_LOOP, NULL, VHD_NO_OFFSET,
					"the chain comes back to itself");
		if (++depth == VHD_BOOT_DEPTH_MAX)
			return vhd_fail(diag, VHD_E_LIMIT, NULL, VHD_NO_OFFSET,
					"the chain is too long");
	}
	child->parent = parent;
	return 0;
}

/* the layer that answers, or NULL where the whole chain reads as zeros */
static int resolve(struct vhd_boot *b, uint64_t offset, uint64_t length,
		   struct vhd_extent *out, struct vhd_boot **layer)
{
	uint32_t depth = 0;

	for (;;) {
		int rc;

		if (offset >= b->map.size) { /* a child larger than this */
			*out = (struct vhd_extent){offset, length, 0,
						   VHD_EXTENT_ZERO, depth};
			return 0;
		}
		length = vhd_min(length, b->map.size - offset);
		rc = vhd_map_extent(&b->map, &b->window, offset, length, out,
				    NULL);
		if (rc)
			return rc;
		out->depth = depth;
		*layer = b;
		if (out->kind != VHD_EXTENT_PARENT)
			return 0;
		if (!b->parent)
			return VHD_E_PARENT;
		length = out->length;
		b = b->parent;
		depth++;
	}
}

int vhd_boot_extent(struct vhd_boot *boot, uint64_t offset, uint64_t length,
		    struct vhd_extent *out)
{
	struct vhd_boot *layer;

	if (!length || !vhd_inside(offset, length, boot->map.size))
		return VHD_E_RANGE;
	return resolve(boot, offset, length, out, &layer);
}

int vhd_boot_read(struct vhd_boot *boot, uint64_t offset, void *buf, size_t len)
{
	struct vhd_boot *layer = boot;
	struct vhd_extent e;
	uint8_t *out = buf;
	int rc = 0;

	if (!vhd_inside(offset, len, boot->map.size))
		return VHD_E_RANGE;
	while (len && !rc) {
		rc = resolve(boot, offset, len, &e, &layer);
		if (rc)
			break;
		if (e.kind == VHD_EXTENT_ZERO)
			memset(out, 0, (size_t)e.length);
		else
			rc = vhd_source_read(&layer->source, e.offset, out,
					     (size_t)e.length);
		out += e.length;
		offset += e.length;
		len -= (size_t)e.length;
	}
	return rc;
}
