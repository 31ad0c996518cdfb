/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "background.h"
#include "command.h"
#include "diag.h"

/* the exit status of the child, or success if it says that it is ready */
static void wait_for(pid_t child, int from)
{
	char byte;
	int status;

	if (TEMP_FAILURE_RETRY(read(from, &byte, 1)) == 1)
		_exit(TOOL_DONE);
	if (TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) != child ||
	    !WIFEXITED(status))
		_exit(TOOL_FAILED);
	_exit(WEXITSTATUS(status));
}

bool background_start(struct background *b, bool foreground)
{
	int ends[2];
	pid_t child;

	b->pipe = -1;
	if (foreground)
		return true;
	if (pipe2(ends, O_CLOEXEC) || (child = fork()) < 0) {
		diag_error(NULL, "cannot go into the background");
		return false;
	}
	if (child) {
		close(ends[1]);
		wait_for(child, ends[0]);
	}
	close(ends[0]);
	setsid();
	b->pipe = ends[1];
	return true;
}

void background_ready(struct background *b)
{
	int null;

	if (b->pipe < 0)
		return;
	null = (int)TEMP_FAILURE_RETRY(open("/dev/null", O_RDWR | O_CLOEXEC));
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (chdir("/"))
		_exit(TOOL_FAILED);
	/* nobody may be waiting any more */
	(void)!TEMP_FAILURE_RETRY(write(b->pipe, "", 1));
	close(b->pipe);
	b->pipe = -1;
}
