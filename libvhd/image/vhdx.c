/* SPDX-License-Identifier: BSD-2-Clause */
/* VHDX as a vhd_image: the format work is core/vhdx_*.c. */
#include <stdlib.h>
#include <string.h>

#include "core/candidate.h"
#include "core/checked.h"
#include "core/diag.h"
#include "core/guid.h"
#include "core/vhdx_bat.h"
#include "core/utf16.h"
#include "hint.h"
#include "image.h"
#include "vhdx_journal.h"

/* the index of a log that was found, and the view over it */
static int build_view(struct vhd_image *image, const struct vhdx_log *log,
		      const struct vhdx_log_active *active,
		      struct vhd_diag *diag)
{
	size_t size = vhdx_overlay_bytes(active);
	int rc;

	if (active->descriptors > VHDX_OVERLAY_MAX)
		size = 0; /* the build below says why */
	image->overlay_memory = malloc(size + 1);
	image->overlay = calloc(1, sizeof(*image->overlay));
	if (!image->overlay_memory || !image->overlay)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_NOMEM));
	rc = vhdx_overlay_build(log, active, image->overlay_memory, size,
				image->overlay, diag);
	if (rc)
		return rc;
	rc = vhd_file_open_overlay(image->file, image->overlay, &image->view);
	if (rc)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				vhd_strerror(rc));
	image->meta.vhdx.conditions |= VHD_COND_LOG_DIRTY;
	return 0;
}

/*
 * The overlay keeps a pointer to its source, so the source is allocated and
 * freed with the view (close_vhdx).
 */
int vhdx_image_replay(struct vhd_image *image, uint8_t *scratch, bool strict,
		      struct vhd_diag *diag)
{
	const struct vhdx_header *header = &image->meta.vhdx.headers.current;
	struct vhd_source *source;
	struct vhdx_log_active active;
	struct vhdx_log log;
	int rc;

	if (vhd_guid_is_null(&header->log_guid))
		return 0;
	source = malloc(sizeof(*source));
	if (!source)
		return VHD_E_NOMEM;
	rc = vhd_file_source(image->file, source);
	log = vhdx_log_of(source, header, scratch);
	if (!rc)
		rc = vhdx_log_find(&log, &active, diag);
	if (!rc)
		rc = build_view(image, &log, &active, diag);
	if (rc == VHD_E_LOG && !strict) {
		image->meta.vhdx.conditions |= VHD_COND_LOG_INVALID;
		rc = 0;
	}
	if (image->view == image->file)
		free(source);
	return rc;
}

static void close_vhdx(struct vhd_image *image)
{
	if (image->overlay && image->view != image->file) {
		free((void *)(uintptr_t)image->overlay->base);
		vhd_file_close(image->view);
	}
	free(image->overlay);
	free(image->overlay_memory);
	image->view = image->file;
	image->overlay = NULL;
	image->overlay_memory = NULL;
}

int vhdx_image_write_back(struct vhd_image *image, struct vhd_diag *diag)
{
	int rc = 0;

	if (image->overlay)
		rc = vhdx_journal_replay(image, diag);
	close_vhdx(image);
	image->meta.vhdx.conditions &= ~(uint32_t)VHD_COND_LOG_DIRTY;
	return rc;
}

/* the replay goes into the file; afterwards there is nothing to overlay */
static int replay_for_writing(struct vhd_image *image, struct vhd_diag *diag)
{
	if (!vhd_file_is_writable(image->file))
		return vhd_fail(diag, VHD_E_READONLY, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_READONLY));
	if (!image->meta.vhdx.headers.current.log_length)
		return vhd_fail(diag, VHD_E_UNSUPPORTED, "VHDX header",
				image->meta.vhdx.headers.offset,
				"the image has no log; it can only be read");
	return vhdx_image_write_back(image, diag);
}

static int open_steps(struct vhd_image *image, uint32_t flags, uint8_t *scratch,
		      struct vhd_diag *diag)
{
	bool strict = flags & (VHD_IMAGE_VERIFY | VHD_IMAGE_WRITE);
	struct vhdx_meta *meta = &image->meta.vhdx;
	struct vhd_source source;
	int rc = vhd_file_source(image->file, &source);

	if (rc)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				"its size cannot be found");
	rc = vhdx_open_headers(&source, scratch, meta, diag);
	if (!rc)
		rc = vhdx_image_replay(image, scratch, strict, diag);
	if (!rc && (flags & VHD_IMAGE_WRITE))
		rc = replay_for_writing(image, diag);
	if (!rc)
		rc = vhd_file_source(image->view, &source);
	if (!rc)
		rc = vhdx_open_body(&source, scratch, meta, &image->map, diag);
	return rc;
}

static int type_of(const struct vhdx_metadata *m)
{
	if (m->has_parent)
		return VHD_TYPE_DIFFERENCING;
	return m->leave_allocated ? VHD_TYPE_FIXED : VHD_TYPE_DYNAMIC;
}

static int open_vhdx(struct vhd_image *image,
		     const struct vhd_image_options *options,
		     struct vhd_diag *diag)
{
	uint8_t *scratch = malloc(VHDX_SCRATCH);
	int rc;

	if (!scratch)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_NOMEM));
	rc = open_steps(image, options->flags, scratch, diag);
	free(scratch);
	if (rc)
		return rc;
	image->type = type_of(&image->meta.vhdx.metadata);
	image->sector_size = image->meta.vhdx.metadata.logical_sector;
	image->conditions = image->meta.vhdx.conditions;
	return 0;
}

/* payload entries: one entry after each chunk is that of its bitmap */
static uint64_t table_blocks(const struct vhd_image *image)
{
	uint64_t entries =
		image->meta.vhdx.regions.bat.length / VHDX_BAT_ENTRY_SIZE;
	uint64_t chunk = ((uint64_t)1 << image->map.chunk_shift) + 1;

	return entries - entries / chunk;
}

static void info(const struct vhd_image *image, struct vhd_image_info *out)
{
	const struct vhdx_meta *meta = &image->meta.vhdx;
	const struct vhdx_header *h = &meta->headers.current;

	out->block_size = meta->metadata.block_size;
	out->physical_sector_size = meta->metadata.physical_sector;
	out->bat_offset = meta->regions.bat.offset;
	out->table_blocks = table_blocks(image);
	out->id = meta->metadata.disk_id;
	out->link_id = h->data_write_guid;
	vhd_guid_text(&out->id, out->id_text);
	vhd_guid_text(&out->link_id, out->link_id_text);
	if (image->type == VHD_TYPE_DIFFERENCING) {
		out->parent_id = meta->linkage.first;
		vhd_guid_text(&out->parent_id, out->parent_id_text);
	}
	vhd_utf16_display(meta->creator, VHDX_CREATOR_BYTES, VHD_UTF16_LE,
			  out->creator, sizeof(out->creator));
	out->log_offset = h->log_offset;
	out->log_length = h->log_length;
	out->header_sequence = h->sequence;
	vhd_guid_text(&h->file_write_guid, out->file_write_id_text);
	if (!vhd_guid_is_null(&h->log_guid))
		vhd_guid_text(&h->log_guid, out->log_id_text);
}

static int read_hint(struct vhd_image *image, unsigned index, uint8_t *scratch,
		     struct vhd_parent_hint *out)
{
	struct vhdx_locator locator;
	struct vhd_source source;
	int rc = vhd_file_source(image->view, &source);

	if (!rc)
		rc = vhdx_locator_read(&source, &image->meta.vhdx.metadata,
				       scratch, VHDX_SCRATCH, &locator, NULL);
	if (rc)
		return rc;
	if (index >= locator.count)
		return VHD_E_RANGE;
	if (!vhdx_locator_entry(&locator, index, out->key, sizeof(out->key),
				out->path, sizeof(out->path)))
		return VHD_E_NOENT;
	return 0;
}

/* keys that hold no path are shown as they are */
static bool is_path(const char *key)
{
	return !strcmp(key, "relative_path") || !strcmp(key, "volume_path") ||
	       !strcmp(key, "absolute_win32_path");
}

static int hint(struct vhd_image *image, unsigned index,
		struct vhd_parent_hint *out)
{
	char key[sizeof(out->key)];
	uint8_t *scratch;
	int rc;

	if (image->type != VHD_TYPE_DIFFERENCING)
		return VHD_E_RANGE;
	scratch = malloc(VHDX_SCRATCH);
	if (!scratch)
		return VHD_E_NOMEM;
	*out = (struct vhd_parent_hint){0};
	rc = read_hint(image, index, scratch, out);
	free(scratch);
	if (rc)
		return rc;
	memcpy(key, out->key, sizeof(key));
	vhd_escape(key, out->key, sizeof(out->key));
	vhd_hint_classify(out);
	if (!is_path(key)) {
		out->path[0] = '\0';
		out->relative = 0;
	}
	return 0;
}

static bool is_parent(const struct vhd_image *child,
		      const struct vhd_image *parent)
{
	return vhdx_linkage_matches(
		&child->meta.vhdx.linkage,
		&parent->meta.vhdx.headers.current.data_write_guid);
}

const struct vhd_image_ops vhd_image_vhdx = {
	.open = open_vhdx,
	.close = close_vhdx,
	.info = info,
	.hint = hint,
	.is_parent = is_parent,
};
