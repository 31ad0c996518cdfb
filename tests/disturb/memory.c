/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocation. The C library's own allocations, as in strdup(), come here, too;
 * what they are made by has other names there. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "disturb.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
	return disturb_memory(HERE) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return disturb_memory(HERE) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
	return disturb_memory(HERE) ? NULL : __libc_realloc(p, size);
}

void *reallocarray(void *p, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return disturb_memory(HERE) ? NULL : __libc_realloc(p, bytes);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return disturb_memory(HERE) ? NULL : __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
	return disturb_memory(HERE) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	void *p =
		disturb_memory(HERE) ? NULL : __libc_memalign(alignment, size);

	if (!p)
		return ENOMEM;
	*out = p;
	return 0;
}
