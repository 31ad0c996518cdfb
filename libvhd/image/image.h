/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside a vhd_image. */
#ifndef VHD_IMAGE_IMAGE_H
#define VHD_IMAGE_IMAGE_H

#include <libvhd/image.h>

#include "core/vhd1_open.h"
#include "core/vhdx_open.h"
#include "file/file.h"
#include "pages.h"

/* What differs between formats. */
struct vhd_image_ops {
	/* reads metadata into the image, sets map, view and conditions */
	int (*open)(struct vhd_image *image,
		    const struct vhd_image_options *options,
		    struct vhd_diag *diag);
	void (*close)(struct vhd_image *image); /* or NULL */
	void (*info)(const struct vhd_image *image,
		     struct vhd_image_info *info);
	int (*hint)(struct vhd_image *image, unsigned index,
		    struct vhd_parent_hint *out);
	/* the identity a parent must have, and the one a child records */
	bool (*is_parent)(const struct vhd_image *child,
			  const struct vhd_image *parent);
};

extern const struct vhd_image_ops vhd_image_raw;
extern const struct vhd_image_ops vhd_image_vhd1;
extern const struct vhd_image_ops vhd_image_vhdx;

struct vhd_image {
	const struct vhd_image_ops *ops;
	struct vhd_file *file; /* as it is; owned */
	/* as it reads after log replay: `file`, or an overlay (owned) */
	struct vhd_file *view;
	struct vhdx_overlay *overlay; /* NULL unless a log was replayed */
	void *overlay_memory;
	struct vhd_pages *pages;   /* NULL for linear maps */
	struct vhd_writer *writer; /* NULL unless open for writing */
	struct vhd_map map;
	int format;
	int type;
	/* how far a parent reaches: UINT64_MAX as long as nobody knows */
	uint64_t parent_size;
	bool same_content; /* writing keeps the identity children know */
	uint32_t sector_size;
	uint32_t conditions;
	union {
		struct vhd1_meta vhd1;
		struct vhdx_meta vhdx;
	} meta;
};

/*
 * What an open image's map may become: its kind, units and flags stay, which
 * requests read without being held off, and so does its limit.
 */
void vhd_image_take_map(struct vhd_image *image, const struct vhd_map *now);

/*
 * Replays the log of a VHDX whose headers were read, if it has one: sets view
 * and overlay. Without a valid entry VHD_E_LOG if `strict`, else a condition.
 */
int vhdx_image_replay(struct vhd_image *image, uint8_t *scratch, bool strict,
		      struct vhd_diag *diag);

/* Writes what was replayed into the file and drops the overlay, if any. */
int vhdx_image_write_back(struct vhd_image *image, struct vhd_diag *diag);

#endif
