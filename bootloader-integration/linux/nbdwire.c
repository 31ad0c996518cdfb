/* SPDX-License-Identifier: BSD-2-Clause */
#include "nbdwire.h"

#include <endian.h>
#include <string.h>

#include <libvhd.h>

/* the protocol's own numbers */
#define NBD_EPERM  1
#define NBD_EIO    5
#define NBD_ENOMEM 12
#define NBD_EINVAL 22
#define NBD_ENOSPC 28

static uint16_t get16(const unsigned char *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return be16toh(value);
}

static uint32_t get32(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

static void put32(unsigned char *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

int nbdwire_read_request(const unsigned char bytes[NBDWIRE_REQUEST_SIZE],
			 struct nbdwire_request *out)
{
	if (get32(bytes) != NBDWIRE_REQUEST_MAGIC)
		return -1;
	out->flags = get16(bytes + 4);
	out->type = get16(bytes + 6);
	memcpy(out->cookie, bytes + 8, NBDWIRE_COOKIE_SIZE);
	out->offset = (uint64_t)get32(bytes + 16) << 32 | get32(bytes + 20);
	out->length = get32(bytes + 24);
	return 0;
}

void nbdwire_write_reply(unsigned char bytes[NBDWIRE_REPLY_SIZE],
			 const unsigned char cookie[NBDWIRE_COOKIE_SIZE],
			 uint32_t error)
{
	put32(bytes, NBDWIRE_REPLY_MAGIC);
	put32(bytes + 4, error);
	memcpy(bytes + 8, cookie, NBDWIRE_COOKIE_SIZE);
}

uint32_t nbdwire_error(int error)
{
	switch (error) {
	case VHD_OK:
		return 0;
	case VHD_E_READONLY:
		return NBD_EPERM;
	case VHD_E_NOMEM:
		return NBD_ENOMEM;
	case VHD_E_INVALID:
	case VHD_E_RANGE:
	case VHD_E_ALIGN:
	case VHD_E_UNSUPPORTED:
		return NBD_EINVAL;
	case VHD_E_NOSPACE:
		return NBD_ENOSPC;
	default:
		return NBD_EIO;
	}
}
