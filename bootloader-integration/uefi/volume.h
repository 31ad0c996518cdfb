/* SPDX-License-Identifier: BSD-2-Clause */
/* A volume of the machine: its blocks, its file system, its name. */
#ifndef VHDBOOT_VOLUME_H
#define VHDBOOT_VOLUME_H

#include "blocks.h"
#include "efi.h"
#include "hostfs.h"

#define VOLUME_NAME 64

struct volume {
	struct efi_block_io *io;
	const void *path; /* the firmware's */
	uint32_t media;
	struct blocks blocks;
	struct hostfs fs;
	char name[VOLUME_NAME]; /* "PARTUUID=..." or "UUID=..." */
};

/*
 * Opens the volume that `name` means ("PARTUUID=", "UUID=", "LABEL=" or
 * "PARTLABEL="); "" is the one our program was loaded from. Of several with one
 * label it is the first that the firmware knows.
 */
int volume_open(struct volume *volume, const char *name, struct vhd_diag *diag);
void volume_close(struct volume *volume);

#endif
