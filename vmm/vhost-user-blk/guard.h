/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that strangers share with us may shrink under our hands: they cut the
 * file, and a touch of what is gone raises SIGBUS. The guard's handler puts
 * zero pages in its place, for us alone, if the address lies in memory that is
 * guarded; anywhere else the signal does what it always did.
 */
#ifndef VUB_GUARD_H
#define VUB_GUARD_H

#include <stddef.h>
#include <stdint.h>

/* Once, before any thread is started. */
int vub_guard_install(void);

/*
 * Guards a mapping; `page` is the size of its pages. A number for
 * vub_guard_drop(), or -1 if there are too many.
 */
int vub_guard_add(void *start, size_t size, size_t page);
/* Before it is unmapped; nobody may be touching it. */
void vub_guard_drop(int number);

/* How often the handler had to help. */
uint64_t vub_guard_hits(void);

#endif
