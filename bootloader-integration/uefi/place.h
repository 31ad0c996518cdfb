/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the image of an entry is: on which volume, and as which disk. */
#ifndef VHDBOOT_PLACE_H
#define VHDBOOT_PLACE_H

#include "conf.h"
#include "volume.h"

struct place {
	struct volume volume;
	char image[CONF_TEXT]; /* its path, with '/' */
	void *path;            /* the device path of its disk */
};

int place_open(struct place *place, const struct conf_entry *entry,
	       struct vhd_diag *diag);
void place_close(struct place *place);

/* The handle of the disk, or NULL if nobody has published it. */
efi_handle place_published(const struct place *place);

/*
 * Tells the system to come which image it is started from: the EFI variable
 * VhdBootImage (README.md one folder above). place_forget() takes it back.
 */
int place_announce(const struct place *place, struct vhd_diag *diag);
void place_forget(void);

#endif
