/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocation that fails on demand; linked with --wrap for malloc, calloc,
 * realloc, aligned_alloc and strdup. One thread. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "support/fault.h"

static uint64_t countdown;
static bool lasting;
static bool paused_now;
static uint64_t calls;
static uint64_t failures;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *s);

void fault_memory(uint64_t n, bool for_ever)
{
	countdown = n;
	lasting = for_ever;
	calls = 0;
	failures = 0;
}

void fault_memory_pause(bool paused)
{
	paused_now = paused;
}

uint64_t fault_memory_calls(void)
{
	return calls;
}

uint64_t fault_memory_failed(void)
{
	return failures;
}

static bool hit(void)
{
	if (paused_now)
		return false;
	calls++;
	if (!countdown)
		return false;
	if (countdown > 1) {
		countdown--;
		return false;
	}
	failures++;
	if (!lasting)
		countdown = 0;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return hit() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return hit() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return hit() ? NULL : __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return hit() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *s)
{
	return hit() ? NULL : __real_strdup(s);
}
