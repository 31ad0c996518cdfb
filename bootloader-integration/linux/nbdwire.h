/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transmission phase of NBD: what goes over the sockets once a device is
 * there. Source: doc/proto.md of the NBD project. Big-endian.
 */
#ifndef LINUX_NBDWIRE_H
#define LINUX_NBDWIRE_H

#include <stdint.h>

#define NBDWIRE_REQUEST_MAGIC 0x25609513u
#define NBDWIRE_REPLY_MAGIC   0x67446698u
#define NBDWIRE_REQUEST_SIZE  28
#define NBDWIRE_REPLY_SIZE    16
#define NBDWIRE_COOKIE_SIZE   8

/* what a device can do */
#define NBDWIRE_HAS_FLAGS         (1u << 0)
#define NBDWIRE_READ_ONLY         (1u << 1)
#define NBDWIRE_SEND_FLUSH        (1u << 2)
#define NBDWIRE_SEND_FUA          (1u << 3)
#define NBDWIRE_SEND_TRIM         (1u << 5)
#define NBDWIRE_SEND_WRITE_ZEROES (1u << 6)

enum nbdwire_type {
	NBDWIRE_READ = 0,
	NBDWIRE_WRITE = 1,
	NBDWIRE_DISC = 2,
	NBDWIRE_FLUSH = 3,
	NBDWIRE_TRIM = 4,
	NBDWIRE_WRITE_ZEROES = 6,
};

/* of a request */
#define NBDWIRE_FUA     (1u << 0)
#define NBDWIRE_NO_HOLE (1u << 1)

struct nbdwire_request {
	uint16_t flags;
	uint16_t type;
	unsigned char cookie[NBDWIRE_COOKIE_SIZE];
	uint64_t offset;
	uint32_t length;
};

/* 0, or -1 if it is no request. */
int nbdwire_read_request(const unsigned char bytes[NBDWIRE_REQUEST_SIZE],
			 struct nbdwire_request *out);

void nbdwire_write_reply(unsigned char bytes[NBDWIRE_REPLY_SIZE],
			 const unsigned char cookie[NBDWIRE_COOKIE_SIZE],
			 uint32_t error);

/* What NBD calls a VHD_E_*; 0 is 0. */
uint32_t nbdwire_error(int error);

#endif
