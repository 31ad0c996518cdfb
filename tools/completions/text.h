/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of the help as words of a shell. */
#ifndef TOOLS_COMPLETIONS_TEXT_H
#define TOOLS_COMPLETIONS_TEXT_H

/*
 * Prints what a help text says first, up to a semicolon or a list, as a part of
 * a string between single quotes. Characters of `special` get a backslash.
 */
void text_print(const char *help, const char *special);

/* The next word of a list that is separated by blanks; NULL at its end. */
const char *text_next(const char **list, char *word, int size);

#endif
