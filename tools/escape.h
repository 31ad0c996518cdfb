/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text from outside (paths, fields of an image) made safe for a terminal and
 * for JSON: valid UTF-8 stays, everything that could move the cursor, change
 * the direction of text or is no UTF-8 at all becomes \xNN.
 */
#ifndef TOOLS_ESCAPE_H
#define TOOLS_ESCAPE_H

#include <stdio.h>

/* Never NULL; free() it. */
char *escape(const char *text);

/* Only what is no UTF-8 is escaped: JSON takes care of the rest. */
char *escape_utf8(const char *text);

/* As escape(), to a stream; needs no memory. */
void escape_print(const char *text, FILE *to);

#endif
