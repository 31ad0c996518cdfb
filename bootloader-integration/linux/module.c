/* SPDX-License-Identifier: BSD-2-Clause */
#include "module.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

/* quiet: a kernel that has it built in, or not at all, says so elsewhere */
void module_load(const char *name)
{
	const char *const argv[] = {"modprobe", "-q", name, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions))
		return;
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
					 O_WRONLY, 0);
	/* the interface lacks a const; nothing is changed */
	if (posix_spawn(&pid, "/sbin/modprobe", &actions, NULL,
			(char *const *)(uintptr_t)argv, environ) == 0)
		waitpid(pid, NULL, 0);
	posix_spawn_file_actions_destroy(&actions);
}
