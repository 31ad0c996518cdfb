/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A dirty log replayed in memory: a source that reads as the file would after
 * the replay, without writing a byte. vhdx.md 10.5
 */
#ifndef VHD_CORE_VHDX_OVERLAY_H
#define VHD_CORE_VHDX_OVERLAY_H

#include "vhdx_log.h"

/* Updates in an active sequence that this implementation replays: 14 MiB of
 * index. A 1 MiB log cannot hold more than 32766. */
#define VHDX_OVERLAY_MAX ((uint32_t)1 << 18)

struct vhdx_overlay_record;

/* Plain data; copy it with care: `source.ctx` points to it. */
struct vhdx_overlay {
	const struct vhd_source *base; /* the file as it is */
	uint64_t log_offset;
	const struct vhdx_overlay_record *records;
	const uint64_t *bounds; /* sorted; bounds[i] to bounds[i+1] shows */
	const uint32_t *shows;  /* this record, or nothing */
	uint32_t bound_count;
	uint64_t size; /* length of the file after replay */
};

/* Bytes of memory vhdx_overlay_build() needs, aligned to 8. */
size_t vhdx_overlay_bytes(const struct vhdx_log_active *active);

/*
 * Builds the index of an active sequence in `memory`. Refuses updates beyond
 * what the log says the file's end is (VHD_E_CORRUPT) and logs with more
 * updates than VHDX_OVERLAY_MAX or `size` hold (VHD_E_LIMIT).
 */
int vhdx_overlay_build(const struct vhdx_log *log,
		       const struct vhdx_log_active *active, void *memory,
		       size_t size, struct vhdx_overlay *out,
		       struct vhd_diag *diag);

/* Reads through the overlay: `read_at` of a vhd_source, ctx the overlay. */
int vhdx_overlay_read(void *overlay, uint64_t offset, void *buf, size_t len);

/* True if [offset, offset + length) holds no replayed byte and lies inside
 * the real file: it may be read around the overlay. */
bool vhdx_overlay_is_clear(const struct vhdx_overlay *overlay, uint64_t offset,
			   uint64_t length);

/* The first run at or after `offset` that the log replaces; false if none. */
bool vhdx_overlay_next(const struct vhdx_overlay *overlay, uint64_t offset,
		       uint64_t *start, uint64_t *end);

#endif
