/* SPDX-License-Identifier: BSD-2-Clause */
#include "counts.h"

#include <malloc.h>
#include <stdlib.h>

static struct counts now;
static size_t base;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

static void *note(void *p)
{
	now.calls++;
	now.live += p ? malloc_usable_size(p) : 0;
	if (now.live > now.peak)
		now.peak = now.live;
	return p;
}

void *__wrap_malloc(size_t size)
{
	return note(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return note(__real_calloc(count, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	now.live -= p ? malloc_usable_size(p) : 0;
	return note(__real_realloc(p, size));
}

void __wrap_free(void *p)
{
	now.live -= p ? malloc_usable_size(p) : 0;
	__real_free(p);
}

void counts_start(void)
{
	base = now.live;
	now.calls = 0;
	now.peak = now.live;
}

struct counts counts_now(void)
{
	return (struct counts){now.calls, now.live - base, now.peak - base};
}
