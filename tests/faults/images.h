/* SPDX-License-Identifier: BSD-2-Clause */
/* Good images with some content, to be damaged. */
#ifndef TESTS_FAULTS_IMAGES_H
#define TESTS_FAULTS_IMAGES_H

#include "support/vhd1_image.h"
#include "support/vhdx_image.h"

/* 2.25 MiB in blocks of 512 KiB: 0, 2 and 4 are stored; the last is cut off by
 * the disk's end. Of a child, the first 100 sectors of each. */
struct vhd1_image faults_vhd(uint32_t type, const char *creator,
			     uint32_t creator_version);

/* The same with XenServer's batmap, which calls the stored blocks full. */
struct vhd1_image faults_tap(void);

/* 6.5 MiB in blocks of 1 MiB: 0, 2 and 6 are stored. */
struct vhdx_image faults_vhdx(void);

/* A child: 0 and 2 are partial with their first 100 sectors, 6 is full. */
struct vhdx_image faults_vhdx_child(void);

/* Payload of a block that tells it from others. */
void faults_fill(struct sparse *f, uint64_t offset, unsigned block,
		 uint64_t length);

#endif
