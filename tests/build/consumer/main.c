/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include <libvhd.h>

int main(void)
{
	struct vhd_file *file;

	if (strcmp(vhd_version(), VHD_VERSION_STRING) != 0)
		return 1;
	if (vhd_file_open_memory("x", 1, 0, &file))
		return 2;
	vhd_file_close(file);
	puts(vhd_strerror(VHD_E_LOG));
	return 0;
}
