/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VHDX: items of the metadata region are changed in place, through the journal.
 * VHD: the footer is changed at the end first and then in the copy, with a
 * flush after each; between the two the end counts. vhd.md 14.3
 */
#include "set.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/diag.h"
#include "writer.h"

static int unsupported(struct vhd_diag *diag, const char *text)
{
	return vhd_fail(diag, VHD_E_UNSUPPORTED, NULL, VHD_NO_OFFSET, text);
}

static int failed(struct vhd_diag *diag, int rc)
{
	return rc ? vhd_fail(diag, rc, NULL, VHD_NO_OFFSET, vhd_strerror(rc))
		  : 0;
}

/* -- VHDX -------------------------------------------------------------------
 */

/* file offset of a known item; 0 if the table has none */
static uint64_t find_item(const struct vhd_image *image, const uint8_t *table,
			  const char *name, uint32_t length)
{
	uint32_t count = table[10] | (uint32_t)table[11] << 8;

	for (uint32_t i = 0; i < count; i++) {
		struct vhdx_metadata_entry e = vhdx_metadata_entry(table, i);
		const char *known = vhdx_item_name(&e.id);

		if (known && !strcmp(known, name) && e.length == length &&
		    !(e.flags & VHDX_ITEM_USER))
			return image->meta.vhdx.regions.metadata.offset +
			       e.offset;
	}
	return 0;
}

static int store_item(struct vhd_image *image, uint64_t at, const void *bytes,
		      size_t len)
{
	struct vhd_writer *w = image->writer;
	int rc = vhd_image_touch(image);

	if (rc)
		return rc;
	pthread_mutex_lock(&w->mutex);
	rc = vhd_pages_pin(image->pages, at, len);
	if (!rc) {
		vhd_pages_store(image->pages, at, bytes, len);
		vhd_pages_unpin(image->pages, at, len);
	}
	pthread_mutex_unlock(&w->mutex);
	return rc ? rc : vhd_image_flush(image);
}

static int set_item(struct vhd_image *image, const char *name,
		    const void *bytes, uint32_t len, struct vhd_diag *diag)
{
	uint8_t *table = malloc(VHDX_METADATA_TABLE_SIZE);
	uint64_t at = 0;
	int rc = VHD_E_NOMEM;

	if (table)
		rc = vhd_file_read(image->view,
				   image->meta.vhdx.regions.metadata.offset,
				   table, VHDX_METADATA_TABLE_SIZE);
	if (!rc)
		at = find_item(image, table, name, len);
	free(table);
	if (!rc && !at)
		rc = VHD_E_CORRUPT; /* it was there when the image opened */
	return failed(diag, rc ? rc : store_item(image, at, bytes, len));
}

/* -- VHD --------------------------------------------------------------------
 */

static int write_footer(struct vhd_image *image, uint64_t at,
			const uint8_t *bytes)
{
	int rc = vhd_file_write(image->file, at, bytes, VHD1_FOOTER_SIZE);

	return rc ? rc : vhd_file_flush(image->file);
}

/* the footer as it is now, wherever the session has put it */
static int read_footer(struct vhd_image *image, uint64_t *at, uint8_t *bytes)
{
	uint64_t size;
	int rc = vhd_file_size(image->file, &size);

	if (rc)
		return rc;
	*at = size - VHD1_FOOTER_SIZE;
	return vhd_file_read(image->file, *at, bytes, VHD1_FOOTER_SIZE);
}

static int change_footer(struct vhd_image *image,
			 void (*change)(struct vhd1_footer *footer,
					const void *value),
			 const void *value)
{
	uint8_t bytes[VHD1_FOOTER_SIZE];
	struct vhd1_footer footer;
	uint64_t at;
	int rc = vhd_image_touch(image); /* the tail is in order then */

	if (!rc)
		rc = vhd_image_flush(image);
	if (!rc)
		rc = read_footer(image, &at, bytes);
	if (!rc)
		rc = vhd1_footer_decode(bytes, at, &footer, NULL);
	if (rc)
		return rc;
	change(&footer, value);
	vhd1_footer_encode(&footer, bytes);
	rc = write_footer(image, at, bytes);
	if (!rc && footer.type != VHD_TYPE_FIXED)
		rc = write_footer(image, 0, bytes);
	if (!rc)
		rc = vhd_image_shut(image);
	return rc;
}

static void change_id(struct vhd1_footer *footer, const void *value)
{
	memcpy(footer->id.b, value, sizeof(footer->id.b));
}

static void change_creator(struct vhd1_footer *footer, const void *value)
{
	memcpy(footer->creator, value, sizeof(footer->creator));
}

/* -- both --------------------------------------------------------------------
 */

int vhd_image_set_id(struct vhd_image *image, const struct vhd_guid *id,
		     struct vhd_diag *diag)
{
	if (image->format == VHD_FORMAT_VHDX)
		return set_item(image, "Virtual Disk ID", id->b, 16, diag);
	if (image->format == VHD_FORMAT_VHD)
		return failed(diag, change_footer(image, change_id, id->b));
	return unsupported(diag, "a raw disk has no id");
}

int vhd_image_set_creator(struct vhd_image *image, const char *creator,
			  struct vhd_diag *diag)
{
	char code[4] = {' ', ' ', ' ', ' '};
	size_t n = strlen(creator);

	if (image->format != VHD_FORMAT_VHD)
		return unsupported(diag, "only a VHD's creator can be changed; "
					 "a VHDX keeps the one it was made "
					 "with");
	if (!n || n > sizeof(code))
		return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				"a creator code has one to four characters");
	memcpy(code, creator, n);
	return failed(diag, change_footer(image, change_creator, code));
}

int vhd_image_set_physical_sector(struct vhd_image *image, uint32_t size,
				  struct vhd_diag *diag)
{
	le32 value = le32_of(size);

	if (image->format != VHD_FORMAT_VHDX)
		return unsupported(diag, "only a VHDX has a physical sector "
					 "size");
	if (size != 512 && size != 4096)
		return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				"a physical sector has 512 or 4096 bytes");
	return set_item(image, "Physical Sector Size", &value, 4, diag);
}
