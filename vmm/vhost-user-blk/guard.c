/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

#include <sys/mman.h>

#define GUARDED_MAX 8192

/* The handler reads these while others change them: `end` says whether an entry
 * counts, and is set last and cleared first. */
static struct {
	_Atomic uintptr_t start;
	_Atomic uintptr_t end; /* 0: free */
	_Atomic size_t page;
} guarded[GUARDED_MAX];

static atomic_int top; /* entries in use are below */
static _Atomic uint64_t hits;

/* 0: zeros are there now */
static int patch(uintptr_t at)
{
	for (int i = 0; i < atomic_load(&top); i++) {
		uintptr_t end = atomic_load(&guarded[i].end);
		size_t page = atomic_load(&guarded[i].page);
		void *start = (void *)(at & ~(uintptr_t)(page - 1));

		if (at >= end || at < atomic_load(&guarded[i].start))
			continue;
		atomic_fetch_add(&hits, 1);
		return mmap(start, page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			    0) == MAP_FAILED;
	}
	return 1;
}

/* Only system calls in here. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (patch((uintptr_t)info->si_addr)) {
		/* the instruction runs again, and ends the process */
		signal(number, SIG_DFL);
	}
	errno = saved;
}

int vub_guard_install(void)
{
	struct sigaction action = {
		.sa_sigaction = on_bus_error,
		.sa_flags = SA_SIGINFO,
	};

	return sigaction(SIGBUS, &action, NULL);
}

/* only the main thread adds and drops */
int vub_guard_add(void *start, size_t size, size_t page)
{
	int i = 0;

	while (i < GUARDED_MAX && atomic_load(&guarded[i].end))
		i++;
	if (i == GUARDED_MAX)
		return -1;
	atomic_store(&guarded[i].start, (uintptr_t)start);
	atomic_store(&guarded[i].page, page);
	atomic_store(&guarded[i].end, (uintptr_t)start + size);
	if (i >= atomic_load(&top))
		atomic_store(&top, i + 1);
	return i;
}

void vub_guard_drop(int number)
{
	if (number >= 0)
		atomic_store(&guarded[number].end, 0);
}

uint64_t vub_guard_hits(void)
{
	return atomic_load(&hits);
}
