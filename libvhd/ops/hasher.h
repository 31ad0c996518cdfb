/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One running hash, by OpenSSL. It is loaded when a hash is asked for: linked
 * to the program, it takes longer to start than most commands take to run.
 */
#ifndef VHD_OPS_HASHER_H
#define VHD_OPS_HASHER_H

#include <stddef.h>
#include <stdint.h>

#include <libvhd/error.h>

#define VHD_HASH_BYTES_MAX 64u

struct vhd_hasher;

/* VHD_E_UNSUPPORTED for an unknown algorithm, without OpenSSL on this machine
 * or in this build. */
int vhd_hasher_new(const char *algorithm, struct vhd_hasher **out,
		   struct vhd_diag *diag);
void vhd_hasher_free(struct vhd_hasher *h);

int vhd_hasher_update(struct vhd_hasher *h, const void *buf, size_t len);

/* Writes *len bytes; the hash takes no more. */
int vhd_hasher_finish(struct vhd_hasher *h, uint8_t bytes[VHD_HASH_BYTES_MAX],
		      unsigned *len);

#endif
