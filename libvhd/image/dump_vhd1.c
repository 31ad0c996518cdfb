/* SPDX-License-Identifier: BSD-2-Clause */
/* The structures of a VHD, as tables of fields. vhd.md 2, 4, 7.4, 17.2 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "core/vhd1_batmap.h"
#include "core/vhd1_footer.h"
#include "core/vhd1_header.h"
#include "core/vhd1_locator.h"
#include "dump.h"
#include "hint.h"

#define F(name, kind)                                                          \
	{                                                                      \
#		name, offsetof(struct vhd1_footer_disk, name),                \
			sizeof(((struct vhd1_footer_disk *)0)->name),          \
			VHD_DUMP_##kind                                        \
	}
#define H(name, kind)                                                          \
	{                                                                      \
#		name, offsetof(struct vhd1_header_disk, name),                \
			sizeof(((struct vhd1_header_disk *)0)->name),          \
			VHD_DUMP_##kind                                        \
	}
#define L(name, kind)                                                          \
	{                                                                      \
#		name, offsetof(struct vhd1_locator_disk, name),               \
			sizeof(((struct vhd1_locator_disk *)0)->name),         \
			VHD_DUMP_##kind                                        \
	}
#define B(name, kind)                                                          \
	{                                                                      \
#		name, offsetof(struct vhd1_batmap_disk, name),                \
			sizeof(((struct vhd1_batmap_disk *)0)->name),          \
			VHD_DUMP_##kind                                        \
	}
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct vhd_dump_row footer_rows[] = {
	F(cookie, TEXT),        F(features, BE),
	F(version, BE),         F(data_offset, BE),
	F(timestamp, TIME),     F(creator, TEXT),
	F(creator_version, BE), F(creator_os, TEXT),
	F(original_size, BE),   F(current_size, BE),
	F(cylinders, BE),       F(heads, BE),
	F(sectors, BE),         F(type, BE),
	F(checksum, BE),        F(id, ID),
	F(saved_state, BE),     F(hidden, BE),
	F(reserved, BYTES),
};

static const struct vhd_dump_row header_rows[] = {
	H(cookie, TEXT),     H(data_offset, BE),      H(table_offset, BE),
	H(version, BE),      H(max_entries, BE),      H(block_size, BE),
	H(checksum, BE),     H(parent_id, ID),        H(parent_timestamp, TIME),
	H(reserved1, BYTES), H(parent_name, UTF16BE), H(reserved2, BYTES),
};

static const struct vhd_dump_row locator_rows[] = {
	L(code, TEXT),   L(space, BE),  L(length, BE),
	L(reserved, BE), L(offset, BE),
};

static const struct vhd_dump_row batmap_rows[] = {
	B(cookie, TEXT),     B(offset, BE),   B(sectors, BE),
	B(version, BE),      B(checksum, BE), B(marker, BE),
	B(has_key_hash, BE), B(nonce, BYTES), B(hash, BYTES),
};

/* true if the bytes in d->buf are a footer; shown either way */
static bool dump_footer(struct vhd_dump *d, const char *name, uint64_t at,
			size_t size)
{
	struct vhd1_footer footer;
	struct vhd_diag why = {0};

	memset(d->buf, 0, VHD1_FOOTER_SIZE);
	if (!vhd_dump_read(d, name, at, size))
		return false;
	vhd_dump_rows(d, name, at, d->buf, footer_rows, COUNT(footer_rows));
	if (!vhd1_footer_decode(d->buf, at, &footer, &why))
		return true;
	vhd_dump_note(d, name, at, "(damaged)", why.text);
	return false;
}

static void dump_locator(struct vhd_dump *d, const struct vhd1_header *header,
			 uint64_t base, unsigned index)
{
	char name[48], path[1024], shown[1024];
	uint64_t at = header->locators[index].offset;
	struct vhd_source source;
	uint8_t *scratch;
	int rc;

	snprintf(name, sizeof(name), "VHD parent locator %u", index);
	if (!vhd_dump_read(d, name, base, sizeof(struct vhd1_locator_disk)))
		return;
	vhd_dump_rows(d, name, base, d->buf, locator_rows, COUNT(locator_rows));
	if (!vhd_inside(at, header->locators[index].length, d->file_size))
		return;
	scratch = malloc(VHD1_LOCATOR_MAX);
	rc = scratch ? vhd_file_source(d->file, &source) : VHD_E_NOMEM;
	if (!rc)
		rc = vhd1_locator_path(&source, header, index, scratch,
				       VHD1_LOCATOR_MAX, path, sizeof(path));
	if (!rc) {
		vhd_escape(path, shown, sizeof(shown));
		vhd_dump_note(d, name, at, "path", shown);
	} else if (rc == VHD_E_NOMEM || rc == VHD_E_IO) {
		vhd_dump_note(d, name, at, "(missing)", vhd_strerror(rc));
	}
	free(scratch);
}

static void dump_batmap(struct vhd_dump *d, const struct vhd1_header *h)
{
	static const char name[] = "VHD batmap header";
	uint64_t at = vhd_round_up(
		h->table_offset + (uint64_t)h->max_entries * 4, VHD1_SECTOR);

	if (vhd_inside(at, VHD1_BATMAP_HEADER_SIZE, d->file_size) &&
	    vhd_dump_read(d, name, at, VHD1_BATMAP_HEADER_SIZE) &&
	    !memcmp(d->buf, "tdbatmap", 8))
		vhd_dump_rows(d, name, at, d->buf, batmap_rows,
			      COUNT(batmap_rows));
}

static void dump_header(struct vhd_dump *d, uint64_t at)
{
	static const char name[] = "VHD dynamic header";
	struct vhd1_header *header;
	struct vhd_diag why = {0};

	if (!vhd_dump_read(d, name, at, VHD1_HEADER_SIZE))
		return;
	vhd_dump_rows(d, name, at, d->buf, header_rows, COUNT(header_rows));
	header = malloc(sizeof(*header));
	if (!header) {
		vhd_dump_note(d, name, at, "(missing)", "out of memory");
		return;
	}
	if (vhd1_header_decode(d->buf, at, header, &why)) {
		vhd_dump_note(d, name, at, "(damaged)", why.text);
	} else {
		for (unsigned i = 0; i < VHD1_LOCATORS; i++)
			if (header->locators[i].code)
				dump_locator(
					d, header,
					at +
						offsetof(
							struct vhd1_header_disk,
							locators) +
						i * sizeof(struct
							   vhd1_locator_disk),
					i);
		dump_batmap(d, header);
	}
	free(header);
}

/* type and place of the header, from the footer in d->buf */
static bool is_sparse(const struct vhd_dump *d, uint64_t *header)
{
	const struct vhd1_footer_disk *disk = (const void *)d->buf;

	*header = be64_get(disk->data_offset);
	return be32_get(disk->type) != VHD_TYPE_FIXED;
}

void vhd_dump_vhd1(struct vhd_dump *d)
{
	uint64_t size = d->file_size, header = 0;
	bool old = size % VHD1_SECTOR == VHD1_FOOTER_OLD_SIZE, sparse = false;
	size_t length = old ? VHD1_FOOTER_OLD_SIZE : VHD1_FOOTER_SIZE;
	bool found = false;

	if (size >= length)
		found = dump_footer(d, "VHD footer", size - length, length);
	if (found)
		sparse = is_sparse(d, &header);
	/* offset 0 of a fixed disk belongs to the guest */
	if (found && !sparse)
		return;
	if (dump_footer(d, "VHD footer copy", 0, VHD1_FOOTER_SIZE) && !found)
		sparse = is_sparse(d, &header);
	if (sparse)
		dump_header(d, header);
}
