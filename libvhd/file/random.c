/* SPDX-License-Identifier: BSD-2-Clause */
#include "random.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

#include <libvhd/error.h>

int vhd_random_bytes(void *out, size_t len)
{
	uint8_t *p = out;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return VHD_E_IO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int vhd_random_guid(struct vhd_guid *out)
{
	int rc = vhd_random_bytes(out->b, sizeof(out->b));

	out->b[7] = (uint8_t)(0x40 | (out->b[7] & 0x0F));
	out->b[8] = (uint8_t)(0x80 | (out->b[8] & 0x3F));
	return rc;
}
