/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of vhd-attach, one a file or two. */
#ifndef LINUX_COMMANDS_H
#define LINUX_COMMANDS_H

#include "command.h"

extern const struct command boot_command;
extern const struct command release_command;
extern const struct command shutdown_command;

#endif
