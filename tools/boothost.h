/* SPDX-License-Identifier: BSD-2-Clause */
/* The volume that an image lies on, as loaders name it. */
#ifndef TOOLS_BOOTHOST_H
#define TOOLS_BOOTHOST_H

struct boot_host {
	char *volume; /* "UUID=..." */
	char *type; /* of the file system, as libblkid calls it; "": unknown */
	char *path; /* of the image, from the root of the volume */
};

/* Both return an enum tool_exit, failures printed. */

/* Where the image is mounted now. The device is read: that takes root. */
int boot_host_find(const char *image, struct boot_host *out);

/*
 * Of --volume: `tags` are those that are allowed ("UUID=", ...; ends with
 * NULL), and the image is the path from its root.
 */
int boot_host_given(const char *volume, const char *image,
		    const char *const *tags, struct boot_host *out);

void boot_host_free(struct boot_host *host);

/* The path alone, from the root of what is mounted; NULL: printed. */
char *boot_host_path(const char *image);

#endif
