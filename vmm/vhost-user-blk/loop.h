/* SPDX-License-Identifier: BSD-2-Clause */
/* The main thread's loop: descriptors that are waited for, and their owners. */
#ifndef VUB_LOOP_H
#define VUB_LOOP_H

#include <stdint.h>

struct vub_source {
	int fd; /* -1: not in use */
	/* may remove or free any source */
	void (*ready)(void *ctx);
	void *ctx;
};

/* Once. 0, or -1 with errno. */
int vub_loop_init(void);

/* 0, or -1 with errno. */
int vub_loop_add(struct vub_source *source);
void vub_loop_remove(struct vub_source *source);

/* Waits for one source and calls it. -1: for ever. */
void vub_loop_step(int timeout_ms);

/* Milliseconds on a clock that only goes forward. */
int64_t vub_now(void);

#endif
