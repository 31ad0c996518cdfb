/* SPDX-License-Identifier: BSD-2-Clause */
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {"raw", "vhd", "vhdx", NULL};

static const struct {
	const char *word;
	enum value_kind kind;
} known[] = {
	{"A", VALUE_FILE},           {"ANCESTOR", VALUE_FILE},
	{"B", VALUE_FILE},           {"CHILD", VALUE_FILE},
	{"CODE", VALUE_NONE},        {"DEVICE", VALUE_DEVICE},
	{"DIR", VALUE_FOLDER},       {"DST", VALUE_FILE},
	{"ESP", VALUE_FOLDER},       {"FILE", VALUE_FILE},
	{"GUID", VALUE_NONE},        {"GUID=FILE", VALUE_PAIR},
	{"ID", VALUE_NONE},          {"IMAGE", VALUE_FILE},
	{"LIST", VALUE_NONE},        {"N", VALUE_NONE},
	{"NAME", VALUE_NONE},        {"PARENT", VALUE_FILE},
	{"PATH", VALUE_FILE},        {"SECONDS", VALUE_NONE},
	{"SIZE", VALUE_NONE},        {"SOCKET", VALUE_FILE},
	{"SOCKET|PORT", VALUE_FILE}, {"SRC", VALUE_FILE},
	{"TEXT", VALUE_NONE},        {"TIME", VALUE_NONE},
	{"[=FILE]", VALUE_FILE},
};

struct value value_of_word(const char *word)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].word, word) == 0)
			return (struct value){.kind = known[i].kind};
	}
	fprintf(stderr, "completions: %s: say in values.c what it stands for\n",
		word);
	exit(1);
}

struct value value_of_option(const struct tool_option *option)
{
	if (option->choices)
		return (struct value){VALUE_WORDS, option->choices};
	if (option->kind == OPTION_FORMAT)
		return (struct value){VALUE_WORDS, formats};
	if (!value_is_taken(option))
		return (struct value){.kind = VALUE_NONE};
	return value_of_word(option->argument);
}

bool value_is_taken(const struct tool_option *option)
{
	return option->kind != OPTION_FLAG;
}

bool value_is_attached(const struct tool_option *option)
{
	return option->kind == OPTION_LEVEL || option->kind == OPTION_MAYBE;
}
