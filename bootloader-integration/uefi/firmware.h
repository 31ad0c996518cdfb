/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware we run on, and what everything asks of it. */
#ifndef VHDBOOT_FIRMWARE_H
#define VHDBOOT_FIRMWARE_H

#include <libvhd/error.h>

#include "efi.h"

extern struct efi_system_table *firmware;
/* Our own program. */
extern efi_handle firmware_image;
extern struct efi_loaded_image *firmware_self;

/* Called first. */
efi_status firmware_start(efi_handle image, struct efi_system_table *system);

/* A protocol of a handle, or NULL. */
void *firmware_protocol(efi_handle handle, const struct vhd_guid *guid);

/*
 * All handles that have a protocol (NULL: all there are), in memory of the
 * firmware's pool, or NULL.
 */
efi_handle *firmware_handles(const struct vhd_guid *guid, size_t *count);
void firmware_free(void *pool);

/* What a status means, as a sentence. */
const char *firmware_error(efi_status status);
/* A diag of a status; returns `error`. */
int firmware_fail(struct vhd_diag *diag, int error, efi_status status);
/* The status our program returns for an error of the library. */
efi_status firmware_status(int error);

#endif
