/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parent name in the header is big-endian UTF-16, locator data
 * little-endian. Writers exist that mixed them up, so text that makes no sense
 * one way is tried the other way before giving up.
 */
#include "vhd1_locator.h"

#include "checked.h"
#include "diag.h"
#include "mem.h"
#include "path.h"
#include "utf16.h"

static bool is_known(uint32_t code)
{
	switch (code) {
	case VHD1_LOCATOR_W2RU:
	case VHD1_LOCATOR_W2KU:
	case VHD1_LOCATOR_WI2R:
	case VHD1_LOCATOR_WI2K:
	case VHD1_LOCATOR_MAC:
	case VHD1_LOCATOR_MACX:
		return true;
	default:
		return false;
	}
}

bool vhd1_locator_usable(const struct vhd1_locator *locator)
{
	return is_known(locator->code) && locator->length > 0 &&
	       locator->length <= VHD1_LOCATOR_MAX;
}

int vhd1_locators_check(const struct vhd1_header *header, uint64_t offset,
			uint64_t file_size, struct vhd_diag *diag)
{
	static const char structure[] = "VHD parent locator";

	for (unsigned i = 0; i < VHD1_LOCATORS; i++) {
		const struct vhd1_locator *l = &header->locators[i];
		uint64_t at = offset +
			      offsetof(struct vhd1_header_disk, locators) +
			      i * sizeof(struct vhd1_locator_disk);

		if (!is_known(l->code))
			continue;
		if (l->length > VHD1_LOCATOR_MAX)
			return vhd_fail_value(diag, VHD_E_CORRUPT, structure,
					      at,
					      "% bytes of locator data are "
					      "more than the limit of 64 KiB",
					      l->length);
		if (!vhd_inside(l->offset, l->length, file_size))
			return vhd_fail(diag, VHD_E_CORRUPT, structure, at,
					"the locator data lies outside the "
					"file");
	}
	return 0;
}

/* most code units of a path are Latin: U+xx00 means the order is wrong */
static bool looks_swapped(const uint8_t *text, size_t bytes)
{
	size_t swapped = 0;

	for (size_t i = 0; i + 1 < bytes; i += 2)
		swapped += !text[i] && text[i + 1];
	return swapped * 4 > bytes; /* more than half of the units */
}

static bool decode_utf16(const uint8_t *text, size_t bytes, char *path,
			 size_t size)
{
	enum vhd_utf16_order order = VHD_UTF16_LE;

	if (looks_swapped(text, bytes))
		order = VHD_UTF16_BE;
	return vhd_utf16_strict(text, bytes, order, path, size) && path[0];
}

/* 8-bit text: taken as it is; trailing NULs stripped, none inside */
static bool decode_bytes(const uint8_t *text, size_t bytes, char *path,
			 size_t size)
{
	while (bytes && !text[bytes - 1])
		bytes--;
	if (!bytes || bytes >= size)
		return false;
	for (size_t i = 0; i < bytes; i++)
		if (!text[i])
			return false;
	memcpy(path, text, bytes);
	path[bytes] = '\0';
	return true;
}

static bool decode(uint32_t code, const uint8_t *text, size_t bytes, char *path,
		   size_t size)
{
	switch (code) {
	case VHD1_LOCATOR_W2RU:
	case VHD1_LOCATOR_W2KU:
		return decode_utf16(text, bytes, path, size);
	case VHD1_LOCATOR_WI2R:
	case VHD1_LOCATOR_WI2K:
		return decode_bytes(text, bytes, path, size);
	case VHD1_LOCATOR_MACX:
		return decode_bytes(text, bytes, path, size) &&
		       vhd_path_from_url(path);
	default:
		return false;
	}
}

int vhd1_locator_path(const struct vhd_source *source,
		      const struct vhd1_header *header, unsigned index,
		      uint8_t *scratch, size_t room, char *path, size_t size)
{
	const struct vhd1_locator *l = &header->locators[index];
	int rc;

	if (!vhd1_locator_usable(l))
		return VHD_E_NOENT;
	if (l->length > room)
		return VHD_E_LIMIT;
	rc = vhd_source_read(source, l->offset, scratch, l->length);
	if (rc)
		return rc;
	return decode(l->code, scratch, l->length, path, size) ? 0
							       : VHD_E_NOENT;
}

bool vhd1_parent_name(const struct vhd1_header *header, char *path, size_t size)
{
	size_t bytes = 0;

	while (bytes < sizeof(header->parent_name) &&
	       (header->parent_name[bytes] || header->parent_name[bytes + 1]))
		bytes += 2;
	return vhd_utf16_strict(header->parent_name, bytes, VHD_UTF16_BE, path,
				size) &&
	       path[0];
}
