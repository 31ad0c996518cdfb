/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types that every layer shares. Freestanding: this header needs nothing but
 * <stdint.h> and <stddef.h>, so a boot loader can include it.
 *
 * Offsets and lengths are uint64_t bytes everywhere in this library.
 */
#ifndef LIBVHD_TYPES_H
#define LIBVHD_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Container formats. There is no "guess": a guest can write any content into
 * its disk, so the format is always said by whoever opens the file.
 */
enum vhd_format {
	VHD_FORMAT_RAW = 1,
	VHD_FORMAT_VHD = 2,  /* "conectix", .vhd .avhd */
	VHD_FORMAT_VHDX = 3, /* .vhdx .avhdx */
};

enum vhd_type {
	VHD_TYPE_FIXED = 2, /* values as a VHD footer stores them */
	VHD_TYPE_DYNAMIC = 3,
	VHD_TYPE_DIFFERENCING = 4,
};

/*
 * 16 bytes as they lie in the file. Compare raw, never as text: VHD images
 * exist with both byte orders (docs/design.md, "Identity").
 */
struct vhd_guid {
	uint8_t b[16];
};

enum vhd_extent_kind {
	/* stored in the image file at `offset` */
	VHD_EXTENT_DATA = 1,
	/* reads as zeros, takes no space */
	VHD_EXTENT_ZERO = 2,
	/* not in this image: ask its parent (a vhd_disk resolves these) */
	VHD_EXTENT_PARENT = 3,
};

/* A run of the virtual disk that is stored in one way. */
struct vhd_extent {
	uint64_t start;  /* virtual offset, bytes */
	uint64_t length; /* bytes, never 0 */
	uint64_t offset; /* file offset for DATA, else 0 */
	uint32_t kind;   /* enum vhd_extent_kind */
	uint32_t depth;  /* layer: 0 is the leaf; 0 for a single image */
};

/*
 * Conditions: things found at open that do not stop reading but that a
 * person should hear of. A bit mask; vhd_condition_text() gives the sentence.
 */
enum vhd_condition {
	VHD_COND_FOOTER_LOST = 1 << 0,     /* end footer bad, copy used */
	VHD_COND_FOOTER_COPY_BAD = 1 << 1, /* copy at 0 bad */
	VHD_COND_FOOTERS_DIFFER = 1 << 2,
	VHD_COND_FOOTER_511 = 1 << 3,
	VHD_COND_SAVED_STATE = 1 << 4,
	VHD_COND_TAPDISK_OPEN = 1 << 5, /* end footer is all 0xC7 */
	VHD_COND_ODD_SIZE = 1 << 6,     /* current size no whole sectors */
	VHD_COND_CHS_SIZE = 1 << 7,     /* creator's guests saw CHS size */
	VHD_COND_HEADER_BAD = 1 << 8,   /* one VHDX header unusable */
	VHD_COND_REGION_BAD = 1 << 9,   /* one region table unusable */
	VHD_COND_LOG_DIRTY = 1 << 10,   /* log replayed in memory */
	VHD_COND_LOG_INVALID = 1 << 11, /* log GUID but no entry */
	VHD_COND_ITEM_FLAGS = 1 << 12,  /* metadata item flags odd */
	VHD_COND_FEATURES = 1 << 13,    /* unknown footer feature bits */
	VHD_COND_TEMPORARY = 1 << 14,   /* temporary-disk feature bit */
	VHD_COND_HIDDEN = 1 << 15,      /* XenServer hidden flag */
	VHD_COND_ENCRYPTED = 1 << 16,   /* XenServer key hash present */
};

/*
 * The code ("footer-lost"), structure and sentence of one condition bit; NULL
 * for an unknown bit. Static strings; NULL outputs are skipped.
 */
const char *vhd_condition_text(uint32_t bit, const char **code,
			       const char **structure);

#ifdef __cplusplus
}
#endif

#endif
