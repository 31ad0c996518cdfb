/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parsing by table. getopt_long() is not used because it accepts shortened
 * names, which would make every new option a possible break of a script.
 */
#include "options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "diag.h"
#include "format.h"
#include "memory.h"
#include "size.h"

/* Where the parser stands. */
struct cursor {
	const struct command *command;
	char **argv;
	int argc;
	int next;
	struct option_result *out;
};

void option_list_add(struct option_list *list, const char *item)
{
	list->items = tool_resize(list->items,
				  (list->count + 1) * sizeof(*list->items));
	list->items[list->count++] = item;
}

/* a program without commands has a command without a name */
static const char *name_of(const struct command *command)
{
	return command->name ? command->name : "arguments";
}

static int see_help(const struct command *command)
{
	diag_hint("%s%s%s --help lists the options", diag_program,
		  command->name ? " " : "", command->name ? command->name : "");
	return TOOL_USAGE;
}

static int bad_value(const struct command *command,
		     const struct tool_option *option, const char *value,
		     const char *why)
{
	diag_usage("--%s %s: %s", option->name, value, why);
	return see_help(command);
}

static int set_count(const struct command *command,
		     const struct tool_option *option, const char *value)
{
	char *end;
	unsigned long count;

	errno = 0;
	count = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || count > UINT_MAX)
		return bad_value(command, option, value, "not a number");
	*(unsigned *)option->target = (unsigned)count;
	return TOOL_DONE;
}

static int set_size(const struct command *command,
		    const struct tool_option *option, const char *value)
{
	struct option_size *size = option->target;
	const char *why = size_parse(value, &size->bytes);

	if (why)
		return bad_value(command, option, value, why);
	size->given = true;
	return TOOL_DONE;
}

static int set_format(const struct command *command,
		      const struct tool_option *option, const char *value)
{
	int format = format_from_name(value);

	if (!format)
		return bad_value(command, option, value,
				 "not a format; formats are raw, vhd, vhdx");
	*(int *)option->target = format;
	return TOOL_DONE;
}

static int set_choice(const struct command *command,
		      const struct tool_option *option, const char *value)
{
	for (int i = 0; option->choices[i]; i++) {
		if (strcmp(option->choices[i], value) == 0) {
			*(int *)option->target = i;
			return TOOL_DONE;
		}
	}
	return bad_value(command, option, value, "no such choice");
}

/* "--name" alone is the lowest level */
static int set_level(const struct command *command,
		     const struct tool_option *option, const char *value)
{
	int rc;

	if (!value) {
		*(int *)option->target = 1;
		return TOOL_DONE;
	}
	rc = set_choice(command, option, value);
	if (!rc)
		*(int *)option->target += 2;
	return rc;
}

/* A value is attached or the next word; not so for these. */
static bool stands_alone(const struct tool_option *option)
{
	return option->kind == OPTION_FLAG || option->kind == OPTION_LEVEL ||
	       option->kind == OPTION_MAYBE;
}

static int set_value(const struct command *command,
		     const struct tool_option *option, const char *value)
{
	switch (option->kind) {
	case OPTION_FLAG:
		*(bool *)option->target = true;
		return TOOL_DONE;
	case OPTION_TEXT:
		*(const char **)option->target = value;
		return TOOL_DONE;
	case OPTION_MAYBE:
		*(const char **)option->target = value ? value : "";
		return TOOL_DONE;
	case OPTION_LIST:
		option_list_add(option->target, value);
		return TOOL_DONE;
	case OPTION_SIZE:
		return set_size(command, option, value);
	case OPTION_COUNT:
		return set_count(command, option, value);
	case OPTION_FORMAT:
		return set_format(command, option, value);
	case OPTION_CHOICE:
		return set_choice(command, option, value);
	case OPTION_LEVEL:
		return set_level(command, option, value);
	}
	return TOOL_USAGE;
}

/* The value of an option: what is attached to it, or the next word. */
static int take_value(struct cursor *at, const struct tool_option *option,
		      const char *attached)
{
	const char *value = attached;

	if (!value && !stands_alone(option)) {
		if (at->next == at->argc) {
			diag_usage("--%s needs a value: %s", option->name,
				   option->argument);
			return see_help(at->command);
		}
		value = at->argv[at->next++];
	}
	return set_value(at->command, option, value);
}

static const struct tool_option *find_name(const struct tool_option *options,
					   const char *name, size_t length)
{
	for (; options->name; options++) {
		if (strlen(options->name) == length &&
		    memcmp(options->name, name, length) == 0)
			return options;
	}
	return NULL;
}

static const struct tool_option *find_letter(const struct tool_option *options,
					     char letter)
{
	for (; options->name; options++) {
		if (options->letter && options->letter == letter)
			return options;
	}
	return NULL;
}

/* "--name", "--name=value" */
static int parse_long(struct cursor *at, const char *word)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	const struct tool_option *option;

	if (strcmp(name, "help") == 0) {
		at->out->help = true;
		return TOOL_DONE;
	}
	option = find_name(at->command->options, name, length);
	if (!option) {
		diag_usage("%s: unknown option %s", name_of(at->command), word);
		return see_help(at->command);
	}
	if (equals && option->kind == OPTION_FLAG) {
		diag_usage("--%s takes no value", option->name);
		return see_help(at->command);
	}
	return take_value(at, option, equals ? equals + 1 : NULL);
}

/* "-f", "-fvhd", "-ab" for flags a and b */
static int parse_letters(struct cursor *at, const char *word)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct tool_option *option;
		int rc;

		if (*letter == 'h') {
			at->out->help = true;
			continue;
		}
		option = find_letter(at->command->options, *letter);
		if (!option) {
			diag_usage("%s: unknown option -%c in %s",
				   name_of(at->command), *letter, word);
			return see_help(at->command);
		}
		if (!stands_alone(option))
			return take_value(at, option,
					  letter[1] ? letter + 1 : NULL);
		rc = take_value(at, option, NULL);
		if (rc)
			return rc;
	}
	return TOOL_DONE;
}

static int parse_words(struct cursor *at)
{
	bool options = true;
	int rc = TOOL_DONE;

	while (!rc && at->next < at->argc) {
		const char *word = at->argv[at->next++];

		if (options && strcmp(word, "--") == 0)
			options = false;
		else if (options && strncmp(word, "--", 2) == 0)
			rc = parse_long(at, word);
		else if (options && word[0] == '-' && word[1] &&
			 !(word[1] >= '0' && word[1] <= '9')) /* no number */
			rc = parse_letters(at, word);
		else
			at->out->arguments[at->out->count++] = word;
	}
	return rc;
}

static int check_count(const struct command *command, size_t count)
{
	if (count == command->argument_count ||
	    command->argument_count == COMMAND_ANY_COUNT)
		return TOOL_DONE;
	diag_usage("%s: %s: expected %s", name_of(command),
		   count > command->argument_count ? "too many arguments"
						   : "an argument is missing",
		   command->arguments);
	return see_help(command);
}

int options_parse(const struct command *command, int argc, char **argv,
		  struct option_result *out)
{
	struct cursor at = {
		.command = command,
		.argv = argv,
		.argc = argc,
		.out = out,
	};
	int rc;

	*out = (struct option_result){
		.arguments =
			tool_resize(NULL, ((size_t)argc + 1) * sizeof(char *)),
	};
	rc = parse_words(&at);
	if (!rc && !out->help)
		rc = check_count(command, out->count);
	if (rc)
		free(out->arguments);
	return rc;
}
