/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bash: functions that answer with what the tables say; vhdtool.bash, which
 * stands in front of them in the finished file, asks.
 */
#include <stdio.h>

#include "shells.h"
#include "text.h"
#include "values.h"

/* As vhdtool.bash wants it: a kind, and the words of a list. */
static void print_value(struct value value)
{
	static const char *const kinds[] = {
		[VALUE_NONE] = "none",      [VALUE_FILE] = "files",
		[VALUE_FOLDER] = "folders", [VALUE_DEVICE] = "devices",
		[VALUE_PAIR] = "pair",      [VALUE_WORDS] = "words",
	};

	printf("%s", kinds[value.kind]);
	if (value.kind != VALUE_WORDS)
		return;
	for (const char *const *word = value.words; *word; word++)
		printf(" %s", *word);
}

static void print_names(const struct command *command)
{
	printf("\t%s) echo '", command->name);
	for (const struct tool_option *o = command->options; o->name; o++) {
		printf("--%s%s ", o->name, value_is_attached(o) ? "[=]" : "");
		if (o->letter)
			printf("-%c ", o->letter);
	}
	printf("--help -h' ;;\n");
}

static void print_option(const struct command *command,
			 const struct tool_option *option)
{
	if (!value_is_taken(option))
		return;
	printf("\t%s:--%s", command->name, option->name);
	if (option->letter)
		printf(" | %s:-%c", command->name, option->letter);
	printf(") echo '");
	if (value_is_attached(option))
		printf("attached ");
	print_value(value_of_option(option));
	printf("' ;;\n");
}

static void print_arguments(const struct command *command)
{
	const char *list = command->arguments;
	char word[32];

	for (int i = 1; text_next(&list, word, sizeof(word)); i++) {
		printf("\t%s:%d) echo '", command->name, i);
		print_value(value_of_word(word));
		printf("' ;;\n");
	}
}

void bash_print(const struct command *const *commands)
{
	printf("\n_vhdtool_commands() {\n\techo '");
	for (const struct command *const *c = commands; *c; c++)
		printf("%s ", (*c)->name);
	printf("help'\n}\n\n# COMMAND: its options, [=] behind those of which "
	       "a value is a part\n_vhdtool_options() {\n\tcase $1 in\n");
	for (const struct command *const *c = commands; *c; c++)
		print_names(*c);
	printf("\tesac\n}\n\n# COMMAND OPTION: what its value is; nothing for "
	       "a flag\n_vhdtool_value() {\n\tcase $1:$2 in\n");
	for (const struct command *const *c = commands; *c; c++) {
		for (const struct tool_option *o = (*c)->options; o->name; o++)
			print_option(*c, o);
	}
	printf("\tesac\n}\n\n# COMMAND N: what its N-th argument is\n"
	       "_vhdtool_argument() {\n\tcase $1:$2 in\n");
	for (const struct command *const *c = commands; *c; c++)
		print_arguments(*c);
	printf("\tesac\n}\n\ncomplete -F _vhdtool vhdtool\n");
}
