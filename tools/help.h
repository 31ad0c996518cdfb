/* SPDX-License-Identifier: BSD-2-Clause */
/* Help texts, made from the tables of commands and options. */
#ifndef TOOLS_HELP_H
#define TOOLS_HELP_H

struct command;

/* Everything about one command, on stdout. */
void help_command(const struct command *command);

/* The list of commands, on stdout. The array ends with NULL. */
void help_all(const struct command *const *commands);

/* A few lines on stderr, for a call without arguments. */
void help_usage(const struct command *const *commands);

#endif
