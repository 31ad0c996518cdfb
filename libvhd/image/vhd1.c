/* SPDX-License-Identifier: BSD-2-Clause */
/* VHD as a vhd_image: the format work is core/vhd1_*.c. */
#include <stdlib.h>
#include <string.h>

#include "core/candidate.h"
#include "core/checked.h"
#include "core/diag.h"
#include "core/guid.h"
#include "core/vhd1_locator.h"
#include "hint.h"
#include "image.h"

static int open_vhd1(struct vhd_image *image,
		     const struct vhd_image_options *options,
		     struct vhd_diag *diag)
{
	struct vhd1_meta *meta = &image->meta.vhd1;
	uint8_t scratch[VHD1_HEADER_SIZE];
	struct vhd_source source;
	int rc = vhd_file_source(image->file, &source);

	if (rc)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				"its size cannot be found");
	rc = vhd1_open(&source, (enum vhd1_size_rule)options->size_rule,
		       scratch, meta, &image->map, diag);
	if (rc)
		return rc;
	image->type = (int)meta->footer.type;
	image->sector_size = VHD1_SECTOR;
	image->conditions = meta->conditions;
	return 0;
}

static void info(const struct vhd_image *image, struct vhd_image_info *out)
{
	const struct vhd1_footer *f = &image->meta.vhd1.footer;
	const struct vhd1_header *h = &image->meta.vhd1.header;
	const struct vhd1_creator *creator = vhd1_creator_find(f->creator);
	size_t n = 0;

	if (f->type != VHD_TYPE_FIXED) {
		out->block_size = h->block_size;
		out->bat_offset = h->table_offset;
		out->table_blocks = h->max_entries;
	}
	out->physical_sector_size = VHD1_SECTOR;
	out->id = f->id;
	out->link_id = f->id;
	vhd1_id_text(&f->id, out->id_text);
	vhd1_id_text(&f->id, out->link_id_text);
	if (f->type == VHD_TYPE_DIFFERENCING) {
		out->parent_id = h->parent_id;
		vhd1_id_text(&h->parent_id, out->parent_id_text);
	}
	while (n < 4 && f->creator[n] > 0x20 && f->creator[n] < 0x7F)
		n++;
	memcpy(out->creator, f->creator, n);
	if (creator)
		memcpy(out->creator_name, creator->name,
		       strlen(creator->name) + 1);
	out->creator_version = f->creator_version;
	out->timestamp = (int64_t)f->timestamp + VHD1_EPOCH;
	out->cylinders = f->geometry.cylinders;
	out->heads = f->geometry.heads;
	out->sectors = f->geometry.sectors;
	out->saved_state = f->saved_state;
	out->hidden = f->hidden;
}

/* "W2ru" of 0x57327275; "(unknown)" where a byte does not print */
static void code_text(uint32_t code, char *out, size_t size)
{
	for (size_t i = 0; i < 4 && i + 1 < size; i++) {
		char c = (char)(code >> (24 - 8 * i));

		out[i] = c >= 0x20 && c < 0x7F ? c : '?';
		out[i + 1] = '\0';
	}
}

static int slot_hint(struct vhd_image *image, unsigned index, uint8_t *scratch,
		     struct vhd_parent_hint *out)
{
	const struct vhd1_header *h = &image->meta.vhd1.header;
	struct vhd_source source;
	int rc = vhd_file_source(image->file, &source);

	if (rc)
		return rc;
	if (index == VHD1_LOCATORS) {
		memcpy(out->key, "name", 5);
		rc = vhd1_parent_name(h, out->path, sizeof(out->path))
			     ? 0
			     : VHD_E_NOENT;
	} else {
		code_text(h->locators[index].code, out->key, sizeof(out->key));
		rc = vhd1_locator_path(&source, h, index, scratch,
				       VHD1_LOCATOR_MAX, out->path,
				       sizeof(out->path));
	}
	return rc;
}

static int hint(struct vhd_image *image, unsigned index,
		struct vhd_parent_hint *out)
{
	uint8_t *scratch;
	int rc;

	if (image->type != VHD_TYPE_DIFFERENCING || index >= VHD1_CANDIDATES)
		return VHD_E_RANGE;
	scratch = malloc(VHD1_LOCATOR_MAX);
	if (!scratch)
		return VHD_E_NOMEM;
	*out = (struct vhd_parent_hint){0};
	rc = slot_hint(image, index, scratch, out);
	free(scratch);
	return rc ? rc : vhd_hint_classify(out);
}

static bool is_parent(const struct vhd_image *child,
		      const struct vhd_image *parent)
{
	return vhd_guid_equal(&child->meta.vhd1.header.parent_id,
			      &parent->meta.vhd1.footer.id);
}

const struct vhd_image_ops vhd_image_vhd1 = {
	.open = open_vhd1,
	.info = info,
	.hint = hint,
	.is_parent = is_parent,
};
