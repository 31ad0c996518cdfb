/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VHD_OPS_ZERO_H
#define VHD_OPS_ZERO_H

#include <stdbool.h>
#include <stddef.h>

/* True if all bytes are zero; true for none. Stops at the first that is not. */
bool vhd_is_zero(const void *buf, size_t len);

#endif
