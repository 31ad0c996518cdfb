/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of the kernel's command line: name=value, quoted as the kernel reads
 * them (name="a b" and "name=a b"). */
#ifndef LINUX_WORDS_H
#define LINUX_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The value of the last word `name=...`, without quotes. Returns 1 if there is
 * one, 0 if not (out is "" then), -1 if it does not fit.
 */
int words_get(const char *line, const char *name, char *out, size_t size);

#endif
