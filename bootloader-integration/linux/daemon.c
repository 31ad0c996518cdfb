/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "diag.h"
#include "smallfile.h"

#ifndef PR_SET_IO_FLUSHER
#	define PR_SET_IO_FLUSHER 57
#endif

/* of a thread: locked memory, so not the 8 MiB that are usual */
#define STACK ((size_t)256 << 10)

static sigset_t endings(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	return set;
}

void daemon_begin(void)
{
	const sigset_t set = endings();
	pthread_attr_t attr;

	pthread_sigmask(SIG_BLOCK, &set, NULL);
	setsid();
	if (chdir("/"))
		diag_warning("/", "%s", strerror(errno));
	mallopt(M_ARENA_MAX, 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
	prctl(PR_SET_NAME, "vhd-attach");
	/* threads inherit it; kernels before 5.6 do not have it */
	prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
}

bool daemon_stay(void)
{
	bool done = mlockall(MCL_CURRENT | MCL_FUTURE) == 0;

	if (!done)
		diag_warning(NULL, "the server's memory cannot be locked: %s",
			     strerror(errno));
	if (smallfile_write("/proc/self/oom_score_adj", "-1000"))
		diag_warning(NULL, "/proc/self/oom_score_adj: %s",
			     strerror(errno));
	return done;
}

static void replace(int fd, const char *path, int flags)
{
	int opened = open(path, flags | O_CLOEXEC);

	if (opened < 0)
		return;
	dup2(opened, fd);
	if (opened > STDERR_FILENO)
		close(opened);
}

void daemon_leave(void)
{
	replace(STDIN_FILENO, "/dev/null", O_RDONLY);
	replace(STDOUT_FILENO, "/dev/null", O_WRONLY);
	replace(STDERR_FILENO, "/dev/null", O_WRONLY);
	replace(STDERR_FILENO, "/dev/kmsg", O_WRONLY);
}

void daemon_wait(int end, void (*asked)(void *ctx), void *ctx)
{
	const sigset_t set = endings();
	int signals = signalfd(-1, &set, SFD_CLOEXEC);
	struct pollfd fds[] = {
		{.fd = end, .events = POLLIN},
		{.fd = signals, .events = POLLIN},
	};
	struct signalfd_siginfo info;

	while (!(fds[0].revents & POLLIN)) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if ((fds[1].revents & POLLIN) &&
		    read(signals, &info, sizeof(info)) > 0)
			asked(ctx);
	}
	if (signals >= 0)
		close(signals);
}
