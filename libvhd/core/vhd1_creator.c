/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of vhd.md 9 and 10. Reading follows current_size for every
 * creator: it is a superset of the geometry, hides no data, and is what Windows
 * does. The other rules exist for callers who ask for them.
 */
#include "vhd1_creator.h"

#include <stddef.h>

#include "mem.h"

/* clang-format off */
static const struct vhd1_creator creators[] = {
	{{'v', 'p', 'c', ' '}, "Virtual PC", true, true},
	{{'v', 's', ' ', ' '}, "Virtual Server", false, true},
	{{'w', 'i', 'n', ' '}, "Windows", false, false},
	{{'d', '2', 'v', 0}, "Disk2vhd", false, false},
	{{'q', 'e', 'm', 'u'}, "QEMU", true, false},
	{{'q', 'e', 'm', '2'}, "QEMU (forced size)", false, false},
	{{'v', 'b', 'o', 'x'}, "VirtualBox", false, false},
	{{'t', 'a', 'p', 0}, "XenServer", false, false},
	{{'C', 'T', 'X', 'S'}, "XenConvert", false, false},
	{{'w', 'a', 0, 0}, "Azure", false, false},
	{{'c', 'a', 'm', 'l'}, "xapi", false, false},
	{{'x', 'o', ' ', ' '}, "Xen Orchestra", false, false},
	{{'d', 'u', 't', 'l'}, "DiscUtils", false, false},
	{{'l', 'v', 'h', 'd'}, "libvhd", false, false},
	{{0, 0, 0, 0}, "OpenVMM", false, false},
};
/* clang-format on */

const struct vhd1_creator *vhd1_creator_find(const uint8_t code[4])
{
	for (size_t i = 0; i < sizeof(creators) / sizeof(creators[0]); i++)
		if (memcmp(creators[i].code, code, 4) == 0)
			return &creators[i];
	return NULL;
}

uint64_t vhd1_disk_size(const struct vhd1_footer *footer,
			enum vhd1_size_rule rule)
{
	const struct vhd1_creator *creator = vhd1_creator_find(footer->creator);
	uint64_t chs = vhd_geometry_bytes(footer->geometry);
	bool saturated = chs == VHD_GEOMETRY_MAX_SECTORS * (uint64_t)512;

	if (rule == VHD1_SIZE_CURRENT || !chs || saturated ||
	    chs > footer->current_size)
		return footer->current_size;
	if (rule == VHD1_SIZE_QEMU && !(creator && creator->chs_in_qemu))
		return footer->current_size;
	return chs;
}
