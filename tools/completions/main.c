/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * completions bash|zsh|fish: prints what that shell needs to complete command
 * lines of vhdtool, from the same tables that the program parses them by. It
 * runs when the project is built and is not installed.
 */
#include <stdio.h>
#include <string.h>

#include "shells.h"

static const struct {
	const char *name;
	void (*print)(const struct command *const *commands);
} shells[] = {
	{"bash", bash_print},
	{"zsh", zsh_print},
	{"fish", fish_print},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (argc != 2 || strcmp(argv[1], shells[i].name) != 0)
			continue;
		shells[i].print(vhdtool_commands);
		return fflush(stdout) || ferror(stdout) ? 1 : 0;
	}
	fprintf(stderr, "usage: completions bash|zsh|fish\n");
	return 2;
}
