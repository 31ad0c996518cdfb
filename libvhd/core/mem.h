/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four functions the core may link to. Declared here because a
 * freestanding compiler has no <string.h>; every loader supplies them.
 */
#ifndef VHD_CORE_MEM_H
#define VHD_CORE_MEM_H

#if defined(__STDC_HOSTED__) && __STDC_HOSTED__
#	include <string.h>
#else
#	include <stddef.h>
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#endif

#endif
