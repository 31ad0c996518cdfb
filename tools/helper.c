/* SPDX-License-Identifier: BSD-2-Clause */
#include "helper.h"

#include <errno.h>
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

int helper_run(const char *program, const struct helper_arguments *a)
{
	int status, rc;
	pid_t pid;

	/* the interface lacks a const; nothing is changed */
	rc = posix_spawnp(&pid, program, NULL, NULL,
			  (char *const *)(uintptr_t)a->items, environ);
	if (rc) {
		errno = rc;
		return -1;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	errno = EINTR;
	return -1;
}
