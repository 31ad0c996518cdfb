/* SPDX-License-Identifier: BSD-2-Clause */
/* Running other programs: those that are installed beside this one, and those
 * of the system. */
#ifndef TOOLS_HELPER_H
#define TOOLS_HELPER_H

#include <stddef.h>

/* An argument list that grows; ends with NULL. Texts are not copied. */
struct helper_arguments {
	const char **items;
	size_t count;
};

void helper_add(struct helper_arguments *arguments, const char *item);

/* Two at once: "--name" and its value. */
void helper_add_value(struct helper_arguments *arguments, const char *name,
		      const char *value);

/*
 * The path of what has that name in the folder of this program ("../lib/x" is
 * its neighbour's), if access() grants `mode`; else NULL. free() it.
 */
char *helper_beside(const char *name, int mode);

/*
 * The path of a program that belongs to this one: named by the variable `env`
 * (NULL: none), beside this program, or where it was installed. NULL if there
 * is none; else free() it.
 */
char *helper_find(const char *name, const char *env);

/*
 * Runs a program, found in the search path unless it has a '/', and waits for
 * it. Returns its exit status, or -1 with errno if it could not be run or was
 * killed by a signal.
 */
int helper_run(const char *program, const struct helper_arguments *arguments);

/*
 * The same, and what the program writes to its standard output goes to *output,
 * a text; free() it. That is set only if 0 is returned.
 */
int helper_read(const char *program, const struct helper_arguments *arguments,
		char **output);

#endif
