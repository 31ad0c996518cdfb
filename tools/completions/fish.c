/* SPDX-License-Identifier: BSD-2-Clause */
/* fish: a `complete` command for each command, option and argument. */
#include <stdbool.h>
#include <stdio.h>

#include "shells.h"
#include "text.h"
#include "values.h"

/* in single quotes, where fish knows no other escape */
static void print_text(const char *text)
{
	printf(" -d '");
	text_print(text, "\\");
	printf("'");
}

static void begin(const struct command *command)
{
	printf("complete -c vhdtool -n '__fish_vhdtool_is %s'", command->name);
}

/* Files are what fish offers by itself (-r); -x keeps it from that. */
static void print_value(struct value value)
{
	switch (value.kind) {
	case VALUE_NONE:
		printf(" -x");
		return;
	case VALUE_FILE:
	case VALUE_PAIR:
		printf(" -r -F");
		return;
	case VALUE_FOLDER:
		printf(" -x -a '(__fish_complete_directories)'");
		return;
	case VALUE_DEVICE:
		printf(" -x -a '(__fish_vhdtool_devices)'");
		return;
	case VALUE_WORDS:
		break;
	}
	printf(" -x -a '");
	for (const char *const *word = value.words; *word; word++)
		printf("%s%s", word == value.words ? "" : " ", *word);
	printf("'");
}

/* What must be attached is offered as a word of its own. */
static void print_attached(const struct command *command,
			   const struct tool_option *option)
{
	if (!option->choices)
		return;
	for (const char *const *word = option->choices; *word; word++) {
		printf("complete -c vhdtool -n '__fish_vhdtool_is %s; and "
		       "string match -q -- \"-*\" (commandline -ct)' "
		       "-a '--%s=%s'",
		       command->name, option->name, *word);
		print_text(option->help);
		printf("\n");
	}
}

static void print_option(const struct command *command,
			 const struct tool_option *option)
{
	begin(command);
	printf(" -l %s", option->name);
	if (option->letter)
		printf(" -s %c", option->letter);
	if (value_is_taken(option) && !value_is_attached(option))
		print_value(value_of_option(option));
	print_text(option->help);
	printf("\n");
	if (value_is_attached(option))
		print_attached(command, option);
}

/* fish offers files for arguments unless it is told not to. */
static void print_arguments(const struct command *command)
{
	const char *list = command->arguments;
	char word[32];

	for (int i = 1; text_next(&list, word, sizeof(word)); i++) {
		struct value value = value_of_word(word);

		if (value.kind == VALUE_FILE)
			continue;
		printf("complete -c vhdtool -n '__fish_vhdtool_is %s %d' -f",
		       command->name, i);
		if (value.kind == VALUE_FOLDER)
			printf(" -a '(__fish_complete_directories)'");
		if (value.kind == VALUE_DEVICE)
			printf(" -a '(__fish_vhdtool_devices)'");
		printf("\n");
	}
}

static void print_command(const struct command *command)
{
	for (const struct tool_option *o = command->options; o->name; o++)
		print_option(command, o);
	begin(command);
	printf(" -l help -s h -d 'show what it does'\n");
	print_arguments(command);
}

/* which options take the next word, for the counting of arguments */
static void print_takers(const struct command *const *commands)
{
	printf("function __fish_vhdtool_takes # COMMAND OPTION\n"
	       "\tswitch \"$argv\"\n");
	for (; *commands; commands++) {
		for (const struct tool_option *o = (*commands)->options;
		     o->name; o++) {
			if (!value_is_taken(o) || value_is_attached(o))
				continue;
			printf("\t\tcase '%s --%s'", (*commands)->name,
			       o->name);
			if (o->letter)
				printf(" '%s -%c'", (*commands)->name,
				       o->letter);
			printf("\n\t\t\treturn 0\n");
		}
	}
	printf("\tend\n\treturn 1\nend\n\n");
}

static void print_functions(void)
{
	printf("# [COMMAND [N]]: the cursor is in a line of this command, at\n"
	       "# its N-th argument; without COMMAND, at the command itself\n"
	       "function __fish_vhdtool_is\n"
	       "\tset -l words (commandline -opc)\n"
	       "\tif test (count $argv) -eq 0\n"
	       "\t\ttest (count $words) -eq 1\n"
	       "\t\treturn\n"
	       "\tend\n"
	       "\ttest (count $words) -ge 2; and test $words[2] = $argv[1]; "
	       "or return 1\n"
	       "\ttest (count $argv) -eq 1; and return 0\n"
	       "\tset -l n 1\n"
	       "\tset -l value no\n"
	       "\tfor word in $words[3..-1]\n"
	       "\t\tif test $value = yes\n"
	       "\t\t\tset value no\n"
	       "\t\telse if __fish_vhdtool_takes $argv[1] $word\n"
	       "\t\t\tset value yes\n"
	       "\t\telse if not string match -q -- '-?*' $word\n"
	       "\t\t\tset n (math $n + 1)\n"
	       "\t\tend\n"
	       "\tend\n"
	       "\ttest $n -eq $argv[2]\n"
	       "end\n\n"
	       "function __fish_vhdtool_devices\n"
	       "\tstring match -r '^/dev/(?:nbd|loop|ublkb|dm-)\\d+$' /dev/*\n"
	       "end\n\n");
}

void fish_print(const struct command *const *commands)
{
	printf("# SPDX-License-Identifier: BSD-2-Clause\n"
	       "# Made from the tables of vhdtool.\n\n");
	print_takers(commands);
	print_functions();
	printf("complete -c vhdtool -n __fish_vhdtool_is -l help -s h "
	       "-d 'list the commands'\n"
	       "complete -c vhdtool -n __fish_vhdtool_is -l version "
	       "-d 'show the version'\n");
	for (const struct command *const *c = commands; *c; c++) {
		printf("complete -c vhdtool -n __fish_vhdtool_is -f -a %s",
		       (*c)->name);
		print_text((*c)->summary);
		printf("\ncomplete -c vhdtool -n '__fish_vhdtool_is help' "
		       "-f -a %s",
		       (*c)->name);
		print_text((*c)->summary);
		printf("\n");
	}
	printf("complete -c vhdtool -n __fish_vhdtool_is -f -a help "
	       "-d 'show the commands, or what one does'\n");
	for (; *commands; commands++)
		print_command(*commands);
}
