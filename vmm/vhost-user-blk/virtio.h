/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio 1.1: the split ring (2.6) and the block device (5.2), little-endian as
 * VIRTIO_F_VERSION_1 has it.
 */
#ifndef VUB_VIRTIO_H
#define VUB_VIRTIO_H

#include <stddef.h>
#include <stdint.h>

/* features */
#define VIRTIO_BLK_SEG_MAX      (1ull << 2)
#define VIRTIO_BLK_RO           (1ull << 5)
#define VIRTIO_BLK_BLK_SIZE     (1ull << 6)
#define VIRTIO_BLK_FLUSH        (1ull << 9)
#define VIRTIO_BLK_TOPOLOGY     (1ull << 10)
#define VIRTIO_BLK_CONFIG_WCE   (1ull << 11)
#define VIRTIO_BLK_MQ           (1ull << 12)
#define VIRTIO_BLK_DISCARD      (1ull << 13)
#define VIRTIO_BLK_WRITE_ZEROES (1ull << 14)
#define VHOST_LOG_ALL           (1ull << 26)
#define VIRTIO_INDIRECT_DESC    (1ull << 28)
#define VIRTIO_EVENT_IDX        (1ull << 29)
#define VHOST_PROTOCOL_FEATURES (1ull << 30)
#define VIRTIO_VERSION_1        (1ull << 32)

/* descriptors */
#define VIRTQ_NEXT     1u
#define VIRTQ_WRITE    2u
#define VIRTQ_INDIRECT 4u

struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

#define VIRTQ_NO_INTERRUPT 1u
#define VIRTQ_NO_NOTIFY    1u

/* followed by used_event */
struct virtq_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[];
};

struct virtq_used_elem {
	uint32_t id;
	uint32_t len;
};

/* followed by avail_event */
struct virtq_used {
	uint16_t flags;
	uint16_t idx;
	struct virtq_used_elem ring[];
};

/* requests */
#define VIRTIO_BLK_T_IN           0u
#define VIRTIO_BLK_T_OUT          1u
#define VIRTIO_BLK_T_FLUSH        4u
#define VIRTIO_BLK_T_GET_ID       8u
#define VIRTIO_BLK_T_DISCARD      11u
#define VIRTIO_BLK_T_WRITE_ZEROES 13u

#define VIRTIO_BLK_S_OK     0
#define VIRTIO_BLK_S_IOERR  1
#define VIRTIO_BLK_S_UNSUPP 2

#define VIRTIO_BLK_ID_BYTES 20u
#define VIRTIO_BLK_SECTOR   512u

struct virtio_blk_header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};

#define VIRTIO_BLK_UNMAP 1u

struct virtio_blk_segment {
	uint64_t sector;
	uint32_t sectors;
	uint32_t flags;
};

struct virtio_blk_config {
	uint64_t capacity; /* sectors of 512 */
	uint32_t size_max;
	uint32_t seg_max;
	uint16_t cylinders;
	uint8_t heads;
	uint8_t sectors;
	uint32_t blk_size;
	uint8_t physical_block_exp;
	uint8_t alignment_offset;
	uint16_t min_io_size;
	uint32_t opt_io_size;
	uint8_t wce;
	uint8_t unused0;
	uint16_t num_queues;
	uint32_t max_discard_sectors;
	uint32_t max_discard_seg;
	uint32_t discard_sector_alignment;
	uint32_t max_write_zeroes_sectors;
	uint32_t max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap;
	uint8_t unused1[3];
};

_Static_assert(sizeof(struct virtq_desc) == 16, "descriptor");
_Static_assert(sizeof(struct virtq_used_elem) == 8, "used element");
_Static_assert(sizeof(struct virtio_blk_header) == 16, "request header");
_Static_assert(sizeof(struct virtio_blk_segment) == 16, "segment");
_Static_assert(offsetof(struct virtio_blk_config, unused1) == 57, "config");

#endif
