/* SPDX-License-Identifier: BSD-2-Clause */
/* zsh: a list of specifications for _arguments, for each command. */
#include <stdio.h>

#include "shells.h"
#include "text.h"
#include "values.h"

/* inside of [...] and of a:b in single quotes */
#define SPECIAL "[]:\\"

static void print_action(struct value value)
{
	switch (value.kind) {
	case VALUE_NONE:
		printf(" ");
		return;
	case VALUE_FILE:
		printf("_files");
		return;
	case VALUE_FOLDER:
		printf("_files -/");
		return;
	case VALUE_DEVICE:
		printf("_vhdtool_devices");
		return;
	case VALUE_PAIR:
		printf("_vhdtool_pair");
		return;
	case VALUE_WORDS:
		break;
	}
	printf("(");
	for (const char *const *word = value.words; *word; word++)
		printf("%s%s", word == value.words ? "" : " ", *word);
	printf(")");
}

/* a list may be said again */
static void begin(const struct tool_option *option)
{
	printf("\t\t\t'%s", option->kind == OPTION_LIST ? "*" : "");
}

static void print_rest(const struct tool_option *option)
{
	printf("[");
	text_print(option->help, SPECIAL);
	printf("]");
	if (value_is_taken(option)) {
		printf(value_is_attached(option) ? "::" : ":");
		text_print(option->argument, SPECIAL);
		printf(":");
		print_action(value_of_option(option));
	}
	printf("' \\\n");
}

static void print_option(const struct tool_option *option)
{
	begin(option);
	printf("--%s%s", option->name,
	       !value_is_taken(option)     ? ""
	       : value_is_attached(option) ? "=-"
					   : "=");
	print_rest(option);
	if (!option->letter)
		return;
	begin(option);
	printf("-%c%s", option->letter, value_is_taken(option) ? "+" : "");
	print_rest(option);
}

static void print_arguments(const struct command *command)
{
	const char *list = command->arguments;
	char word[32];

	for (int i = 1; text_next(&list, word, sizeof(word)); i++) {
		printf(" \\\n\t\t\t'%d:%s:", i, word);
		print_action(value_of_word(word));
		printf("'");
	}
}

static void print_command(const struct command *command)
{
	printf("\t%s)\n\t\t_arguments -s -S \\\n", command->name);
	for (const struct tool_option *o = command->options; o->name; o++)
		print_option(o);
	printf("\t\t\t'(- *)--help[show what it does]' "
	       "'(- *)-h[show what it does]'");
	print_arguments(command);
	printf("\n\t\t;;\n");
}

static void print_commands(const struct command *const *commands)
{
	printf("_vhdtool_commands() {\n\tlocal -a commands=(\n");
	for (; *commands; commands++) {
		printf("\t\t'%s:", (*commands)->name);
		text_print((*commands)->summary, ":\\");
		printf("'\n");
	}
	printf("\t\t'help:show the commands, or what one does'\n"
	       "\t)\n\t_describe command commands\n}\n\n");
}

void zsh_print(const struct command *const *commands)
{
	printf("#compdef vhdtool\n# SPDX-License-Identifier: BSD-2-Clause\n"
	       "# Made from the tables of vhdtool.\n\n");
	print_commands(commands);
	printf("# NAME=FILE\n_vhdtool_pair() {\n"
	       "\tcompset -P '*=' && _files || _message 'GUID=FILE'\n}\n\n"
	       "_vhdtool_devices() {\n"
	       "\tlocal -a devices=(/dev/(nbd|loop|ublkb|dm-)<->(N))\n"
	       "\tcompadd -- $devices\n}\n\n"
	       "_vhdtool() {\n"
	       "\tlocal curcontext=$curcontext state line\n"
	       "\ttypeset -A opt_args\n"
	       "\t_arguments -C '(- *)--help[list the commands]' \\\n"
	       "\t\t'(- *)--version[show the version]' \\\n"
	       "\t\t'1:command:_vhdtool_commands' '*:: :->rest' && return\n"
	       "\t[[ $state = rest ]] || return\n"
	       "\tcurcontext=${curcontext%%:*:*}:vhdtool-$words[1]:\n"
	       "\tcase $words[1] in\n");
	for (; *commands; commands++)
		print_command(*commands);
	printf("\thelp)\n\t\t_arguments '1:command:_vhdtool_commands'\n"
	       "\t\t;;\n\tesac\n}\n\n_vhdtool \"$@\"\n");
}
