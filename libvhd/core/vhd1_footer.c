/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding a footer. The checksum is computed over the raw bytes, reserved
 * ones included, never over a re-serialised structure: XenServer and others
 * keep things in the reserved part.
 */
#include "vhd1_footer.h"

#include "mem.h"

#include "diag.h"

#define FIELD(name) (offset + offsetof(struct vhd1_footer_disk, name))

static const char structure[] = "VHD footer";

uint32_t vhd1_checksum(const uint8_t *bytes, uint32_t size, uint32_t field)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < size; i++)
		if (i - field >= 4)
			sum += bytes[i];
	return ~sum;
}

struct vhd_geometry vhd1_footer_geometry(const struct vhd1_footer *footer)
{
	bool windows = memcmp(footer->creator, "win ", 4) == 0;

	return vhd_geometry_stored(footer->current_size, windows);
}

bool vhd1_footer_is_tap(const struct vhd1_footer *footer)
{
	return memcmp(footer->creator, "tap", 3) == 0;
}

/*
 * An early XenServer tool set the hidden byte without renewing the checksum:
 * for blktap 0.1 and 1.1 a sum that fits hidden = 0 counts. 13
 */
static bool checksum_fits(const struct vhd1_footer_disk *disk)
{
	const uint8_t *bytes = (const uint8_t *)disk;
	uint32_t stored = be32_get(disk->checksum);
	uint32_t sum =
		vhd1_checksum(bytes, VHD1_FOOTER_SIZE,
			      offsetof(struct vhd1_footer_disk, checksum));
	uint32_t version = be32_get(disk->creator_version);

	if (sum == stored)
		return true;
	return memcmp(disk->creator, "tap", 3) == 0 &&
	       (version == 0x00000001 || version == 0x00010001) &&
	       sum + disk->hidden == stored;
}

static int check(const struct vhd1_footer_disk *disk, uint64_t offset,
		 struct vhd_diag *diag)
{
	uint32_t type = be32_get(disk->type);

	if (memcmp(disk->cookie, "v_poison", 8) == 0)
		return vhd_fail(diag, VHD_E_UNSUPPORTED, structure, offset,
				"a resize by XenServer was interrupted; "
				"finish it with vhd-util");
	if (memcmp(disk->cookie, "conectix", 8) != 0)
		return vhd_fail(diag, VHD_E_FORMAT, structure, offset,
				"the cookie 'conectix' is missing");
	if (!checksum_fits(disk))
		return vhd_fail(diag, VHD_E_CORRUPT, structure, FIELD(checksum),
				"the checksum is wrong");
	if (be32_get(disk->version) >> 16 != 1)
		return vhd_fail_value(diag, VHD_E_UNSUPPORTED, structure,
				      FIELD(version),
				      "format version % is unknown",
				      be32_get(disk->version) >> 16);
	if (type < VHD_TYPE_FIXED || type > VHD_TYPE_DIFFERENCING)
		return vhd_fail_value(diag, VHD_E_UNSUPPORTED, structure,
				      FIELD(type), "disk type % is unknown",
				      type);
	return 0;
}

int vhd1_footer_decode(const uint8_t bytes[VHD1_FOOTER_SIZE], uint64_t offset,
		       struct vhd1_footer *out, struct vhd_diag *diag)
{
	const struct vhd1_footer_disk *disk = (const void *)bytes;
	int rc = check(disk, offset, diag);

	if (rc)
		return rc;
	*out = (struct vhd1_footer){
		.data_offset = be64_get(disk->data_offset),
		.original_size = be64_get(disk->original_size),
		.current_size = be64_get(disk->current_size),
		.features = be32_get(disk->features),
		.version = be32_get(disk->version),
		.timestamp = be32_get(disk->timestamp),
		.creator_version = be32_get(disk->creator_version),
		.type = be32_get(disk->type),
		.checksum = be32_get(disk->checksum),
		.geometry = {be16_get(disk->cylinders), disk->heads,
			     disk->sectors},
		.saved_state = disk->saved_state,
		.hidden = disk->hidden,
	};
	memcpy(out->id.b, disk->id, 16);
	memcpy(out->creator, disk->creator, 4);
	memcpy(out->creator_os, disk->creator_os, 4);
	return 0;
}

void vhd1_footer_encode(const struct vhd1_footer *f,
			uint8_t bytes[VHD1_FOOTER_SIZE])
{
	struct vhd1_footer_disk *disk = (void *)bytes;

	memcpy(disk->cookie, "conectix", 8);
	disk->features = be32_of(f->features);
	disk->version = be32_of(f->version);
	disk->data_offset = be64_of(f->data_offset);
	disk->timestamp = be32_of(f->timestamp);
	memcpy(disk->creator, f->creator, 4);
	disk->creator_version = be32_of(f->creator_version);
	memcpy(disk->creator_os, f->creator_os, 4);
	disk->original_size = be64_of(f->original_size);
	disk->current_size = be64_of(f->current_size);
	disk->cylinders = be16_of(f->geometry.cylinders);
	disk->heads = f->geometry.heads;
	disk->sectors = f->geometry.sectors;
	disk->type = be32_of(f->type);
	memcpy(disk->id, f->id.b, 16);
	disk->saved_state = f->saved_state;
	disk->hidden = f->hidden;
	disk->checksum = be32_of(
		vhd1_checksum(bytes, VHD1_FOOTER_SIZE,
			      offsetof(struct vhd1_footer_disk, checksum)));
}
