/* SPDX-License-Identifier: BSD-2-Clause */
#include "partname.h"

#include "core/bytes.h"
#include "core/mem.h"
#include "core/utf16.h"

#define TYPE_GPT 2u
#define UNITS    36u

/* packed; behind `type_guid` the entry of a GPT, section 5.3.3 */
struct partition_info {
	le32 revision;
	le32 type;
	uint8_t system;
	uint8_t reserved[7];
	uint8_t type_guid[16];
	uint8_t unique_guid[16];
	le64 first;
	le64 last;
	le64 attributes;
	uint8_t name[2 * UNITS];
};

_Static_assert(sizeof(struct partition_info) == PARTNAME_INFO, "layout");

bool partname_get(const void *info, char out[PARTNAME_SIZE])
{
	struct partition_info p;
	size_t n = 0;

	memcpy(&p, info, sizeof(p));
	if (le32_get(p.type) != TYPE_GPT)
		return false;
	while (n < UNITS && (p.name[2 * n] || p.name[2 * n + 1]))
		n++;
	return n && vhd_utf16_strict(p.name, 2 * n, VHD_UTF16_LE, out,
				     PARTNAME_SIZE);
}
