/* SPDX-License-Identifier: BSD-2-Clause */
/* What the guest's driver is told of a disk. */
#include <endian.h>

#include "device.h"

/* with a ring of 128 descriptors, header and status fit beside them */
#define SEGMENTS 126u

/* a hint for transfers: images have blocks of a MiB or two */
#define OPTIMAL_BYTES ((uint32_t)1 << 20)

uint64_t vub_device_features(const struct vub_device *d)
{
	uint64_t features =
		VIRTIO_BLK_SEG_MAX | VIRTIO_BLK_BLK_SIZE | VIRTIO_BLK_FLUSH |
		VIRTIO_BLK_TOPOLOGY | VIRTIO_BLK_CONFIG_WCE | VIRTIO_BLK_MQ |
		VHOST_LOG_ALL | VIRTIO_INDIRECT_DESC | VIRTIO_EVENT_IDX |
		VHOST_PROTOCOL_FEATURES | VIRTIO_VERSION_1;

	return features |
	       (d->read_only ? VIRTIO_BLK_RO
			     : VIRTIO_BLK_DISCARD | VIRTIO_BLK_WRITE_ZEROES);
}

/* of physical blocks of 4 KiB, as a power of two of sectors */
static uint8_t physical_exponent(uint32_t sector)
{
	uint8_t exponent = 0;

	while (sector < 4096) {
		sector *= 2;
		exponent++;
	}
	return exponent;
}

void vub_device_config(const struct vub_device *d, bool cache,
		       struct virtio_blk_config *out)
{
	uint32_t sector = vhd_disk_sector_size(d->disk);
	uint32_t range = htole32((uint32_t)(VUB_RANGE_MAX / 512));

	*out = (struct virtio_blk_config){
		.capacity = htole64(vhd_disk_size(d->disk) / 512),
		.seg_max = htole32(SEGMENTS),
		.blk_size = htole32(sector),
		.physical_block_exp = physical_exponent(sector),
		.min_io_size = htole16((uint16_t)(4096 / sector)),
		.opt_io_size = htole32(OPTIMAL_BYTES / sector),
		.wce = cache,
		.num_queues = htole16((uint16_t)d->queues),
	};
	if (d->read_only)
		return;
	out->max_discard_sectors = range;
	out->max_discard_seg = htole32(VUB_SEGMENTS_MAX);
	out->discard_sector_alignment = htole32(sector / 512);
	out->max_write_zeroes_sectors = range;
	out->max_write_zeroes_seg = htole32(VUB_SEGMENTS_MAX);
	out->write_zeroes_may_unmap = 1;
}
