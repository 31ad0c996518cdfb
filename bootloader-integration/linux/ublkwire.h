/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel's ublk driver and a server tell each other. These are the
 * numbers and layouts of the kernel's <linux/ublk_cmd.h>, written down once
 * more because the systems that this is built on often have none, or one older
 * than the kernel that it runs with. Native byte order: it is one machine.
 */
#ifndef LINUX_UBLKWIRE_H
#define LINUX_UBLKWIRE_H

#include <stdbool.h>
#include <stdint.h>

enum ublkwire_command {
	/* to /dev/ublk-control */
	UBLKWIRE_GET_DEV_INFO = 0x02,
	UBLKWIRE_ADD_DEV = 0x04,
	UBLKWIRE_DEL_DEV = 0x05,
	UBLKWIRE_START_DEV = 0x06,
	UBLKWIRE_STOP_DEV = 0x07,
	UBLKWIRE_SET_PARAMS = 0x08,
	UBLKWIRE_GET_FEATURES = 0x13,
	UBLKWIRE_DEL_DEV_ASYNC = 0x14, /* since Linux 6.9 */
	/* to /dev/ublkcN */
	UBLKWIRE_FETCH = 0x20,
	UBLKWIRE_COMMIT_AND_FETCH = 0x21,
};

/*
 * How io_uring knows a command: by its number alone, or, since Linux 6.4, as an
 * ioctl is numbered. Kernels may be built without the former.
 */
uint32_t ublkwire_opcode(enum ublkwire_command command, bool encoded);

/* -- the control device ------------------------------------------------------
 */

#define UBLKWIRE_ANY_DEVICE UINT32_MAX
#define UBLKWIRE_NO_QUEUE   UINT16_MAX

struct ublkwire_control {
	uint32_t device;
	uint16_t queue;
	uint16_t length; /* of what is at `address` */
	uint64_t address;
	uint64_t value; /* START_DEV: the server's process */
	uint64_t reserved;
};

enum ublkwire_state {
	UBLKWIRE_DEAD = 0, /* not started, or over */
	UBLKWIRE_LIVE = 1,
	UBLKWIRE_QUIESCED = 2,
};

struct ublkwire_info {
	uint16_t queues;
	uint16_t depth;
	uint16_t state;
	uint16_t reserved0;
	uint32_t buffer_size;
	uint32_t device;
	int32_t server;
	uint32_t reserved1;
	uint64_t flags;
	uint64_t reserved2[4];
};

#define UBLKWIRE_READ_ONLY      (1u << 0)
#define UBLKWIRE_VOLATILE_CACHE (1u << 2)
#define UBLKWIRE_CAN_FUA        (1u << 3)

#define UBLKWIRE_BASIC   (1u << 0)
#define UBLKWIRE_DISCARD (1u << 1)

struct ublkwire_params {
	uint32_t length; /* of all this */
	uint32_t types;  /* UBLKWIRE_BASIC, UBLKWIRE_DISCARD */
	/* basic */
	uint32_t attributes;
	uint8_t logical_shift;
	uint8_t physical_shift;
	uint8_t optimal_shift;
	uint8_t minimal_shift;
	uint32_t sectors_max;
	uint32_t chunk_sectors;
	uint64_t sectors;
	uint64_t boundary_mask;
	/* discard */
	uint32_t discard_alignment;
	uint32_t discard_granularity;
	uint32_t discard_sectors_max;
	uint32_t zero_sectors_max;
	uint16_t discard_segments_max;
	uint16_t reserved0;
	uint32_t reserved1;
};

/* What a device is to look like. */
struct ublkwire_shape {
	uint64_t size;
	uint32_t logical; /* sector sizes, powers of two from 512 to 4096 */
	uint32_t physical;
	uint32_t buffer_size; /* of a request, a multiple of the page size */
	uint16_t depth;
	bool writable;
};

void ublkwire_fill_params(const struct ublkwire_shape *shape,
			  struct ublkwire_params *out);

/* -- a queue -----------------------------------------------------------------
 */

struct ublkwire_io {
	uint16_t queue;
	uint16_t tag;
	int32_t result;
	uint64_t address; /* of the tag's buffer */
};

/* What the kernel shows of a tag's request, in memory that it shares. */
struct ublkwire_desc {
	uint32_t type_and_flags;
	uint32_t sectors;
	uint64_t first_sector;
	uint64_t address;
};

enum ublkwire_type {
	UBLKWIRE_READ = 0,
	UBLKWIRE_WRITE = 1,
	UBLKWIRE_FLUSH = 2,
	UBLKWIRE_TRIM = 3,
	UBLKWIRE_WRITE_ZEROES = 5,
};

struct ublkwire_request {
	uint32_t type;
	bool fua;
	bool no_unmap;
	uint64_t offset;
	uint64_t length;
};

void ublkwire_read_request(const struct ublkwire_desc *desc,
			   struct ublkwire_request *out);

/*
 * What is committed for a request that ended with 0 or a VHD_E_*: bytes, or a
 * negative errno.
 */
int32_t ublkwire_result(const struct ublkwire_request *request, int error);

#endif
