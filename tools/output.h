/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Standard output: errors of writing are noticed, and long documents wait in
 * an unnamed file until they are complete.
 */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <stdio.h>

/*
 * Flushes stdout. Returns TOOL_DONE, or TOOL_FAILED with the reason printed
 * (nothing is printed if the reader went away).
 */
int output_finish(void);

/* Prints why writing to stdout failed; see output_finish(). */
int output_failed(int error_number);

/* A file without a name, for a document in the making. NULL: printed. */
FILE *output_spool(void);

/*
 * Makes that file now, for a time when none can be made any more. Returns
 * TOOL_FAILED if that failed (printed).
 */
int output_spool_prepare(void);

/* Copies a finished spool to stdout and closes it. */
int output_spool_finish(FILE *spool);

#endif
