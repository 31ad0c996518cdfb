/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What makes a process fit to serve the disk that all others run from: it needs
 * no memory that the disk would have to be written for, is not killed, and does
 * not hold on to anything.
 */
#ifndef LINUX_DAEMON_H
#define LINUX_DAEMON_H

#include <stdbool.h>

/*
 * Before anything is opened or allocated: small stacks, few pools of memory,
 * signals blocked, a session of its own.
 */
void daemon_begin(void);

/*
 * When all that is needed is there: it stays in memory, and the process is the
 * last to be killed for its own. False, with a warning, if the system refuses.
 */
bool daemon_stay(void);

/* Leaves the terminal: what it says from here on is in the kernel's log. */
void daemon_leave(void);

/*
 * Waits until `end` is readable; meanwhile calls asked() whenever a signal asks
 * the process to end.
 */
void daemon_wait(int end, void (*asked)(void *ctx), void *ctx);

#endif
