/* SPDX-License-Identifier: BSD-2-Clause */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "diag.h"

/* Column in which the explanation of an option begins. */
#define HELP_COLUMN 28
#define HELP_WIDTH  78

/* A help text, later lines aligned with the first. */
static void print_lines(const char *text)
{
	const char *end;

	for (; (end = strchr(text, '\n')); text = end + 1)
		printf("%.*s\n%*s", (int)(end - text), text, HELP_COLUMN, "");
	printf("%s\n", text);
}

static void print_option(const struct tool_option *option)
{
	bool attached =
		option->kind == OPTION_LEVEL || option->kind == OPTION_MAYBE;
	char left[64];
	int n;

	n = snprintf(left, sizeof(left), "  %c%c%s --%s%s%s",
		     option->letter ? '-' : ' ',
		     option->letter ? option->letter : ' ',
		     option->letter ? "," : " ", option->name,
		     option->argument && !attached ? " " : "",
		     option->argument ? option->argument : "");
	if (n > HELP_COLUMN - 2)
		printf("%s\n%*s", left, HELP_COLUMN, "");
	else
		printf("%-*s", HELP_COLUMN, left);
	print_lines(option->help);
}

/* A paragraph, broken between words. */
static void print_paragraph(const char *text)
{
	int column = 0;

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column > 0 && column + 1 + n > HELP_WIDTH) {
			putchar('\n');
			column = 0;
		}
		column += printf("%s%.*s", column ? " " : "", n, text);
		text += n;
		text += strspn(text, " ");
	}
	putchar('\n');
}

void help_command(const struct command *command)
{
	static const struct tool_option help_option = {
		.name = "help",
		.letter = 'h',
		.help = "show this text",
	};

	printf("Usage: %s %s [OPTIONS] %s\n\n", diag_program, command->name,
	       command->arguments);
	print_paragraph(command->description);
	printf("\nOptions:\n");
	for (const struct tool_option *o = command->options; o->name; o++)
		print_option(o);
	print_option(&help_option);
	printf("\nExamples:\n%s\n", command->examples);
	printf("\nExit status:\n%s\n", command->exits);
}

static void print_commands(const struct command *const *commands)
{
	for (; *commands; commands++)
		printf("  %-12s %s\n", (*commands)->name, (*commands)->summary);
}

void help_all(const struct command *const *commands)
{
	printf("Usage: vhdtool [--version] [--help] COMMAND [OPTIONS] ARGS\n\n"
	       "Works with VHD and VHDX disk images.\n\nCommands:\n");
	print_commands(commands);
	printf("\nOptions may stand before or after the arguments; -- ends "
	       "them.\nA SIZE is in bytes, or has a unit: K, M, G, T, P "
	       "(powers of 1024).\nThe format of a file follows from its "
	       "extension (.vhd .avhd .vhdx .avhdx\n.raw .img) unless -f says "
	       "it.\n\n`vhdtool COMMAND --help` tells more.\n");
}

void help_usage(const struct command *const *commands)
{
	fprintf(stderr, "Usage: vhdtool COMMAND [OPTIONS] ARGS\nCommands:");
	for (; *commands; commands++)
		fprintf(stderr, " %s", (*commands)->name);
	fprintf(stderr, "\n`vhdtool --help` tells more.\n");
}
