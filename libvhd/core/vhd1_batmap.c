/* SPDX-License-Identifier: BSD-2-Clause */
#include "vhd1_batmap.h"

#include "checked.h"
#include "mem.h"

/* a bit for each of 2^32 blocks would be 512 MiB; no writer goes near */
#define SECTORS_MAX (1u << 20)

bool vhd1_batmap_decode(const uint8_t bytes[VHD1_BATMAP_HEADER_SIZE],
			uint64_t header_offset, uint64_t file_size,
			struct vhd1_batmap *out)
{
	const struct vhd1_batmap_disk *disk = (const void *)bytes;
	uint64_t offset = be64_get(disk->offset);
	uint32_t sectors = be32_get(disk->sectors);

	if (memcmp(disk->cookie, "tdbatmap", 8) != 0 || sectors > SECTORS_MAX ||
	    !vhd_inside(offset, (uint64_t)sectors * 512, file_size))
		return false;
	*out = (struct vhd1_batmap){
		.header_offset = header_offset,
		.offset = offset,
		.bytes = sectors * 512,
		.version = be32_get(disk->version),
		.checksum = be32_get(disk->checksum),
		.marker = disk->marker,
		.encrypted = disk->has_key_hash == 1,
	};
	return true;
}
