/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one error printer. Everything goes to stderr as
 *
 *	vhdtool: PATH: STRUCTURE: what is wrong (byte OFFSET)
 *	hint: what to do
 *
 * and whatever came from outside is escaped.
 */
#ifndef TOOLS_DIAG_H
#define TOOLS_DIAG_H

#include <libvhd.h>

/* What messages begin with: "vhdtool" unless another program says otherwise. */
extern const char *diag_program;

#define DIAG_FORMAT(n) __attribute__((format(printf, n, n + 1)))

/*
 * A failure of the library. `path` is the file if diag names none; diag need
 * not be filled. Returns TOOL_FAILED.
 */
int diag_failure(const char *path, int error, const struct vhd_diag *diag);

/* A failure of the tool itself; path may be NULL. Returns TOOL_FAILED. */
int diag_error(const char *path, const char *format, ...) DIAG_FORMAT(2);

/* A mistake on the command line. Returns TOOL_USAGE. */
int diag_usage(const char *format, ...) DIAG_FORMAT(1);

void diag_warning(const char *path, const char *format, ...) DIAG_FORMAT(2);

/* The second line of an error. */
void diag_hint(const char *format, ...) DIAG_FORMAT(1);

/* Conditions that an image was opened in spite of, one warning each. */
void diag_conditions(const char *path, uint32_t conditions);

#endif
