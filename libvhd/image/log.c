/* SPDX-License-Identifier: BSD-2-Clause */
/* Showing the VHDX log: every place of the ring where an entry begins. */
#include <stdlib.h>

#include "core/diag.h"
#include "core/guid.h"
#include "core/vhdx_log.h"
#include "core/vhdx_open.h"
#include "file/file.h"

#include <libvhd/image.h>

struct listing {
	struct vhdx_log log;
	struct vhdx_log_active active;
	bool has_active;
	vhd_log_entry_fn *entry;
	void *ctx;
};

static bool is_active(const struct listing *l, const struct vhdx_log_entry *e)
{
	return l->has_active && e->sequence >= l->active.tail.sequence &&
	       e->sequence <= l->active.head.sequence;
}

static void show(const struct listing *l, uint32_t at,
		 const struct vhdx_log_entry *e, const char *why)
{
	const struct vhd_log_entry out = {
		.offset = l->log.offset + at,
		.length = e->length,
		.sequence = e->sequence,
		.tail = l->log.offset + e->tail,
		.descriptors = e->descriptors,
		.data_sectors = e->data_sectors,
		.flushed_file_offset = e->flushed,
		.last_file_offset = e->last,
		.valid = !why,
		.active = !why && is_active(l, e),
		.why = why,
	};

	l->entry(l->ctx, &out);
}

static int walk(const struct listing *l)
{
	for (uint64_t at = 0; at < l->log.length;) {
		struct vhdx_log_entry e = {0};
		const char *why;
		int rc = vhdx_log_entry_read(&l->log, (uint32_t)at, &e, &why);

		if (rc < 0)
			return rc;
		if (rc == 0 || why)
			show(l, (uint32_t)at, &e, why);
		at += rc ? VHDX_LOG_SECTOR : e.length;
	}
	return 0;
}

static void fill_info(const struct listing *l, int verdict,
		      struct vhd_log_info *info)
{
	*info = (struct vhd_log_info){
		.offset = l->log.offset,
		.length = l->log.length,
		.verdict = verdict,
		.active_entries = l->active.entries,
		.active_descriptors = l->active.descriptors,
		.tail_sequence = l->active.tail.sequence,
		.head_sequence = l->active.head.sequence,
	};
	if (!vhd_guid_is_null(&l->log.guid))
		vhd_guid_text(&l->log.guid, info->id_text);
}

static int list(struct vhd_file *file, uint8_t *scratch, struct listing *l,
		struct vhd_log_info *info, struct vhd_diag *diag)
{
	struct vhdx_meta *meta = malloc(sizeof(*meta));
	struct vhd_source source;
	int verdict = 0;
	int rc = meta ? vhd_file_source(file, &source) : VHD_E_NOMEM;

	if (!rc)
		rc = vhdx_open_headers(&source, scratch, meta, diag);
	if (!rc) {
		l->log = vhdx_log_of(&source, &meta->headers.current, scratch);
		if (!vhd_guid_is_null(&l->log.guid))
			verdict = vhdx_log_find(&l->log, &l->active, NULL);
		l->has_active = !verdict && l->active.entries;
		rc = walk(l);
		if (rc)
			vhd_fail(diag, rc, "VHDX log", l->log.offset,
				 "cannot be read");
	}
	if (!rc)
		fill_info(l, verdict, info);
	free(meta);
	return rc;
}

int vhd_image_log(struct vhd_file *file, vhd_log_entry_fn *entry, void *ctx,
		  struct vhd_log_info *info, struct vhd_diag *diag)
{
	struct listing l = {.entry = entry, .ctx = ctx};
	uint8_t *scratch = malloc(VHDX_SCRATCH);
	int rc;

	if (!scratch)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_NOMEM));
	rc = list(file, scratch, &l, info, diag);
	free(scratch);
	return rc;
}
