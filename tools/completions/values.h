/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a shell may offer for an argument or an option's value. The tables of
 * the commands name it as their help does ("FILE", "SIZE"); each such word is
 * known here, and a new one ends the build until it is.
 */
#ifndef TOOLS_COMPLETIONS_VALUES_H
#define TOOLS_COMPLETIONS_VALUES_H

#include "options.h"

enum value_kind {
	VALUE_NONE,   /* anything, nothing to offer */
	VALUE_FILE,   /* a file, or a folder on the way to one */
	VALUE_FOLDER, /* a folder */
	VALUE_DEVICE, /* a block device in /dev */
	VALUE_PAIR,   /* NAME=FILE */
	VALUE_WORDS,  /* one of `words` */
};

struct value {
	enum value_kind kind;
	const char *const *words; /* ends with NULL */
};

/* What the word of a help text ("FILE") stands for. */
struct value value_of_word(const char *word);

/* What the value of an option may be; NONE for a flag. */
struct value value_of_option(const struct tool_option *option);

/* The option takes a value; only as --name=VALUE; and may do without. */
bool value_is_taken(const struct tool_option *option);
bool value_is_attached(const struct tool_option *option);

#endif
