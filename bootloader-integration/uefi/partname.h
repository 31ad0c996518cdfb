/* SPDX-License-Identifier: BSD-2-Clause */
/* What a partition is called in its disk's table. */
#ifndef VHDBOOT_PARTNAME_H
#define VHDBOOT_PARTNAME_H

#include <stdbool.h>
#include <stddef.h>

#define PARTNAME_INFO 144u /* bytes of the protocol */
#define PARTNAME_SIZE 110u /* 36 UTF-16 units as UTF-8, and a NUL */

/*
 * `info` is the firmware's EFI_PARTITION_INFO_PROTOCOL (UEFI
 * specification 2.10, section 13.18). False if the partition has no name, or
 * none that is a text.
 */
bool partname_get(const void *info, char out[PARTNAME_SIZE]);

#endif
