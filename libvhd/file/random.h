/* SPDX-License-Identifier: BSD-2-Clause */
/* Randomness of the host: identifiers, and names nobody else uses. */
#ifndef VHD_FILE_RANDOM_H
#define VHD_FILE_RANDOM_H

#include <stddef.h>

#include <libvhd/types.h>

/* Fills `len` bytes. VHD_E_IO if the host has none to give. Thread-safe. */
int vhd_random_bytes(void *out, size_t len);

/* A new GUID, random (version 4), in Microsoft's byte order. vhdx.md 2.2,
 * vhd.md 2.5. VHD_E_IO as above. Thread-safe. */
int vhd_random_guid(struct vhd_guid *out);

#endif
