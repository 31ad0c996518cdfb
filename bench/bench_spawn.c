/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a program with its output thrown away and prints what it cost:
 *
 *	bench_spawn PROGRAM ARG...
 *
 * "WALL USER SYSTEM RSS STATUS": seconds, KiB, exit status. A process inherits
 * the peak memory of whoever starts it, so a large interpreter cannot measure
 * small programs; this one is small.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double of_timeval(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	double start, wall;
	int status, error;
	pid_t pid;

	if (argc < 2)
		return 2;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	start = seconds();
	error = posix_spawnp(&pid, argv[1], &actions, NULL, argv + 1, environ);
	if (error) {
		fprintf(stderr, "bench_spawn: %s: %s\n", argv[1],
			strerror(error));
		return 1;
	}
	if (wait4(pid, &status, 0, &usage) != pid)
		return 1;
	wall = seconds() - start;
	posix_spawn_file_actions_destroy(&actions);
	printf("%.6f %.6f %.6f %ld %d\n", wall, of_timeval(usage.ru_utime),
	       of_timeval(usage.ru_stime), usage.ru_maxrss,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	return 0;
}
