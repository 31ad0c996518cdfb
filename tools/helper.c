/* SPDX-License-Identifier: BSD-2-Clause */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"

void helper_add(struct helper_arguments *a, const char *item)
{
	a->items = tool_resize(a->items, (a->count + 2) * sizeof(*a->items));
	a->items[a->count++] = item;
	a->items[a->count] = NULL;
}

void helper_add_value(struct helper_arguments *a, const char *name,
		      const char *value)
{
	helper_add(a, name);
	helper_add(a, value);
}

/* "folder/name" if that may be used; free() it */
static char *in_folder(const char *folder, size_t length, const char *name,
		       int mode)
{
	char *path = NULL;

	if (asprintf(&path, "%.*s/%s", (int)length, folder, name) < 0)
		return tool_must(NULL);
	if (access(path, mode) == 0)
		return path;
	free(path);
	return NULL;
}

char *helper_beside(const char *name, int mode)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self));
	const char *slash;

	if (n <= 0 || (size_t)n == sizeof(self))
		return NULL;
	slash = memrchr(self, '/', (size_t)n);
	return slash ? in_folder(self, (size_t)(slash - self), name, mode)
		     : NULL;
}

char *helper_find(const char *name, const char *env)
{
	const char *given = env ? secure_getenv(env) : NULL;
	char *path;

	if (given)
		return tool_must(strdup(given));
	path = helper_beside(name, X_OK);
	return path ? path
		    : in_folder(VHD_HELPER_DIR, strlen(VHD_HELPER_DIR), name,
				X_OK);
}

static int start(const char *program, const struct helper_arguments *a,
		 const posix_spawn_file_actions_t *actions, pid_t *pid)
{
	/* the interface lacks a const; nothing is changed */
	int rc = posix_spawnp(pid, program, actions, NULL,
			      (char *const *)(uintptr_t)a->items, environ);

	errno = rc;
	return rc ? -1 : 0;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	errno = EINTR;
	return -1;
}

int helper_run(const char *program, const struct helper_arguments *a)
{
	pid_t pid;

	return start(program, a, NULL, &pid) ? -1 : wait_for(pid);
}

/* Starts it with its standard output going to `fd`. */
static int start_to(const char *program, const struct helper_arguments *a,
		    int fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	rc = start(program, a, &actions, pid);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* To the end; the descriptor is closed. */
static char *read_all(int fd)
{
	FILE *in = fdopen(fd, "r");
	char *text = NULL;
	size_t room = 0;

	if (!in)
		return tool_must(NULL);
	if (getdelim(&text, &room, '\0', in) < 0) {
		free(text);
		text = tool_must(strdup(""));
	}
	fclose(in);
	return text;
}

int helper_read(const char *program, const struct helper_arguments *a,
		char **output)
{
	int pipe[2], rc;
	char *text;
	pid_t pid;

	if (pipe2(pipe, O_CLOEXEC))
		return -1;
	rc = start_to(program, a, pipe[1], &pid);
	close(pipe[1]);
	if (rc) {
		close(pipe[0]);
		return rc;
	}
	text = read_all(pipe[0]);
	rc = wait_for(pid);
	if (rc == 0)
		*output = text;
	else
		free(text);
	return rc;
}
