/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside disturb.so, which is preloaded into a program and lets its calls of
 * the system go wrong as the system may let them go wrong. From main() on; what
 * the C library calls inside itself is not seen. $VHD_DISTURB says how:
 *
 *	short,seed=N        data move in smaller pieces, calls are interrupted
 *	slow,seed=N         calls take their time
 *	call,error=E,n=N    the N-th call that may fail with errno E does
 *	memory,n=N          the N-th allocation fails
 *
 *	...,lasting=1       and all later ones
 *	...,in=NAME         only what the program or library NAME... calls
 *	...,not=NAME        not what that calls
 *
 * $VHD_DISTURB_COUNTS names a file of a page in which the counts appear; they,
 * and N, are those of all processes that share it. Nothing is asked of the
 * system for them, so a program that has shut itself in can be disturbed.
 */
#ifndef TESTS_DISTURB_DISTURB_H
#define TESTS_DISTURB_DISTURB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* what may happen to a call */
#define CAN_SHORT (1u << 0) /* it moves fewer bytes */
#define CAN_INTR  (1u << 1) /* EINTR */
#define CAN_IO    (1u << 2) /* EIO */
#define CAN_SPACE (1u << 3) /* ENOSPC */
#define CAN_FD    (1u << 4) /* EMFILE: it makes a descriptor */
#define CAN_AGAIN (1u << 5) /* EAGAIN: it makes a thread or process */

#define READS  (CAN_SHORT | CAN_INTR | CAN_IO)
#define WRITES (CAN_SHORT | CAN_INTR | CAN_IO | CAN_SPACE)
#define OPENS  (CAN_INTR | CAN_IO | CAN_FD)

enum disturb_call {
#define CALL(name, can) CALL_##name,
#include "calls.def"
#undef CALL
	CALLS,
};

/* the page of counts; tests/support/disturb.py reads it */
struct disturb_counts {
	_Atomic uint64_t calls; /* that might have been disturbed */
	_Atomic uint64_t shortened;
	_Atomic uint64_t interrupted;
	_Atomic uint64_t failed;
	_Atomic uint64_t slowed;
	_Atomic uint64_t draws; /* of random numbers */
	_Atomic uint64_t accepts;
	uint64_t reserved;
	char last[64]; /* the last call that was disturbed */
};

#define HERE __builtin_return_address(0)

/* The function that ours has taken the place of. */
void *disturb_real(enum disturb_call call, const char *name);

#define REAL(name) ((__typeof__(&(name)))disturb_real(CALL_##name, #name))

/*
 * True, with errno, if the call is not to be made. Else *length, unless NULL,
 * may have become less. A descriptor of -1 is any.
 */
bool disturb(enum disturb_call call, int fd, size_t *length,
	     const void *caller);

/* The same for a call that returns its error instead of setting errno. */
int disturb_error(enum disturb_call call, const void *caller);

/* True if an allocation is to fail. */
bool disturb_memory(const void *caller);

/* What the ring does by itself: is this mode on, a number below `limit`, and
 * that it did. */
bool disturb_is_short(const void *caller);
uint64_t disturb_draw(uint64_t limit);
void disturb_tell(enum disturb_call call, bool interrupted);

#endif
