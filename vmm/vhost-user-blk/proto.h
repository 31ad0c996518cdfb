/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vhost-user protocol as far as a block device needs it: numbers and
 * layouts of its specification. Integers are the machine's own; both ends run
 * on it.
 */
#ifndef VUB_PROTO_H
#define VUB_PROTO_H

#include <stdint.h>

enum vub_message {
	VUB_GET_FEATURES = 1,
	VUB_SET_FEATURES = 2,
	VUB_SET_OWNER = 3,
	VUB_RESET_OWNER = 4,
	VUB_SET_MEM_TABLE = 5,
	VUB_SET_LOG_BASE = 6,
	VUB_SET_LOG_FD = 7,
	VUB_SET_VRING_NUM = 8,
	VUB_SET_VRING_ADDR = 9,
	VUB_SET_VRING_BASE = 10,
	VUB_GET_VRING_BASE = 11,
	VUB_SET_VRING_KICK = 12,
	VUB_SET_VRING_CALL = 13,
	VUB_SET_VRING_ERR = 14,
	VUB_GET_PROTOCOL_FEATURES = 15,
	VUB_SET_PROTOCOL_FEATURES = 16,
	VUB_GET_QUEUE_NUM = 17,
	VUB_SET_VRING_ENABLE = 18,
	VUB_SET_BACKEND_REQ_FD = 21,
	VUB_GET_CONFIG = 24,
	VUB_SET_CONFIG = 25,
	VUB_GET_INFLIGHT_FD = 31,
	VUB_SET_INFLIGHT_FD = 32,
	VUB_RESET_DEVICE = 34,
	VUB_GET_MAX_MEM_SLOTS = 36,
	VUB_ADD_MEM_REG = 37,
	VUB_REM_MEM_REG = 38,
	VUB_REQUESTS
};

/* what we send on the channel of SET_BACKEND_REQ_FD */
#define VUB_BACKEND_CONFIG_CHANGE 2u

/* flags of a message */
#define VUB_VERSION      1u
#define VUB_VERSION_MASK 3u
#define VUB_REPLY        (1u << 2)
#define VUB_NEED_REPLY   (1u << 3)

/* protocol features */
#define VUB_P_MQ             (1ull << 0)
#define VUB_P_LOG_SHMFD      (1ull << 1)
#define VUB_P_REPLY_ACK      (1ull << 3)
#define VUB_P_BACKEND_REQ    (1ull << 5)
#define VUB_P_CONFIG         (1ull << 9)
#define VUB_P_INFLIGHT_SHMFD (1ull << 12)
#define VUB_P_RESET_DEVICE   (1ull << 13)
#define VUB_P_MEM_SLOTS      (1ull << 15)

/* SET_VRING_KICK, _CALL, _ERR */
#define VUB_VRING_INDEX_MASK 0xffull
#define VUB_VRING_NO_FD      (1ull << 8)
/* SET_VRING_ADDR */
#define VUB_VRING_LOG 1u

struct vub_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size; /* of the payload */
};

struct vub_vring_state {
	uint32_t index;
	uint32_t num;
};

struct vub_vring_addr {
	uint32_t index;
	uint32_t flags;
	uint64_t desc; /* these in the front end's address space */
	uint64_t used;
	uint64_t avail;
	uint64_t log; /* of the used ring, in the guest's */
};

struct vub_region {
	uint64_t guest;
	uint64_t size;
	uint64_t user;
	uint64_t offset; /* in the file */
};

#define VUB_TABLE_REGIONS 8u

struct vub_table {
	uint32_t count;
	uint32_t padding;
	struct vub_region regions[VUB_TABLE_REGIONS];
};

struct vub_one_region {
	uint64_t padding;
	struct vub_region region;
};

struct vub_log {
	uint64_t size;
	uint64_t offset;
};

#define VUB_CONFIG_MAX 256u
/* SET_CONFIG: who writes */
#define VUB_CONFIG_BY_GUEST     0u
#define VUB_CONFIG_BY_MIGRATION 1u

struct vub_config {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t bytes[VUB_CONFIG_MAX];
};

#define VUB_CONFIG_HEAD 12u

struct vub_inflight_area {
	uint64_t size;
	uint64_t offset;
	uint16_t queues;
	uint16_t queue_size;
	uint32_t padding;
};

union vub_payload {
	uint64_t u64;
	struct vub_vring_state state;
	struct vub_vring_addr addr;
	struct vub_table table;
	struct vub_one_region region;
	struct vub_log log;
	struct vub_config config;
	struct vub_inflight_area inflight;
};

_Static_assert(sizeof(struct vub_header) == 12, "header");
_Static_assert(sizeof(struct vub_vring_addr) == 40, "vring addresses");
_Static_assert(sizeof(struct vub_table) == 8 + 8 * 32, "memory table");
_Static_assert(sizeof(struct vub_one_region) == 40, "one region");
_Static_assert(sizeof(struct vub_config) == 12 + 256, "config");
_Static_assert(sizeof(struct vub_inflight_area) == 24, "inflight");

#endif
