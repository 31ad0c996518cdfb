/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvhd/version.h>

const char *vhd_version(void)
{
	return VHD_VERSION_STRING;
}
