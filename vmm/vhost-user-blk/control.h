/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: one JSON object a line, and one for an answer. What they
 * may say is in docs/vhost-user-blk.md.
 */
#ifndef VUB_CONTROL_H
#define VUB_CONTROL_H

#include <stdbool.h>

#include <jansson.h>

/* Listens. 0, or -1 with errno. */
int vub_control_open(const char *path);
void vub_control_close(void);

/* Has somebody said `quit`? */
bool vub_control_quits(void);

/* command.c: does what a request says, and returns the answer; a new value.
 * Sets *quit if the program is to end. */
json_t *vub_command_run(const char *line, size_t length, bool *quit);

#endif
