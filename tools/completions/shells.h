/* SPDX-License-Identifier: BSD-2-Clause */
/* What each shell wants to know; all of it goes to standard output. */
#ifndef TOOLS_COMPLETIONS_SHELLS_H
#define TOOLS_COMPLETIONS_SHELLS_H

#include "command.h"

void bash_print(const struct command *const *commands);
void zsh_print(const struct command *const *commands);
void fish_print(const struct command *const *commands);

#endif
