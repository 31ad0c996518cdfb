/* SPDX-License-Identifier: BSD-2-Clause */
/* What a file system that took this program over would try. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

#include "../confine_build.h"

/* Each returns -1 with errno if it failed, as it must. */

static int try_open(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int try_create(void)
{
	return open("vhd-fsmap.test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static int try_unlink(void)
{
	return unlink("vhd-fsmap.test");
}

static int try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static int try_exec(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int try_kill(void)
{
	return kill(getppid(), 0);
}

static int try_trace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

/* typing into the terminal of the user */
static int try_terminal(void)
{
	return ioctl(STDOUT_FILENO, TIOCSTI, "x");
}

static int try_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static int try_root(void)
{
	return setuid(0);
}

#if !CONFINE_REPORTS
static int try_write_error(void)
{
	return (int)write(STDERR_FILENO, "", 0);
}

static int try_memory(void)
{
	void *p = mmap(NULL, (size_t)3 << 30, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}
#endif

static const struct {
	const char *what;
	int (*try)(void);
} attempts[] = {
	{"open a file", try_open},
	{"create a file", try_create},
	{"remove a file", try_unlink},
	{"open a socket", try_socket},
	{"start a process", try_fork},
	{"run a program", try_exec},
	{"signal a process", try_kill},
	{"trace", try_trace},
	{"type into the terminal", try_terminal},
	{"map new code", try_code},
	{"become root", try_root},
#if !CONFINE_REPORTS
	{"write to standard error", try_write_error},
	{"take 3 GiB of memory", try_memory},
#endif
};

int sandbox_test(void)
{
	int worked = 0;

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		bool refused = attempts[i].try() < 0 &&
			       (errno == EPERM || errno == ENOMEM);

		printf("%s: %s\n", refused ? "refused" : "NOT REFUSED",
		       attempts[i].what);
		worked += !refused;
	}
	return worked;
}
