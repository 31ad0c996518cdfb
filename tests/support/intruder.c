/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A parser that an image has taken over: preloaded into a program, it acts
 * whenever that reads a file, so from inside the program and at the moment at
 * which such an image would. Each attempt is told on standard error:
 *
 *	NUMBER NAME done|refused
 *
 * NUMBER counts the reads; the first of them, and the end of the program, are
 * when it acts. $INTRUDER_BESIDE is a file in the image's folder,
 * $INTRUDER_ELSEWHERE one in another, $INTRUDER_IMAGE the image; others are
 * made up.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define READS 16u

static const char *name_of(const char *variable)
{
	const char *name = getenv(variable);

	return name ? name : "/nowhere";
}

static bool can_open(const char *name, int flags)
{
	int fd = open(name, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool read_elsewhere(void)
{
	return can_open(name_of("INTRUDER_ELSEWHERE"), O_RDONLY);
}

static bool read_beside(void)
{
	return can_open(name_of("INTRUDER_BESIDE"), O_RDONLY);
}

static bool change_beside(void)
{
	return can_open(name_of("INTRUDER_BESIDE"), O_WRONLY);
}

static bool change_image(void)
{
	return can_open(name_of("INTRUDER_IMAGE"), O_WRONLY);
}

static bool make_file(void)
{
	return can_open("intruder-was-here", O_WRONLY | O_CREAT);
}

static bool remove_file(void)
{
	return !unlink(name_of("INTRUDER_BESIDE"));
}

/* Nobody listens there: to hear that is to have reached it. */
static bool connect_out(void)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool reached = false;

	if (fd < 0)
		return false;
	if (!connect(fd, (const struct sockaddr *)&to, sizeof(to)) ||
	    (errno != EACCES && errno != EPERM))
		reached = true;
	close(fd);
	return reached;
}

static bool start_program(void)
{
	pid_t child = fork();
	int status = 0;

	if (child < 0)
		return false;
	if (child == 0) {
		unsetenv("LD_PRELOAD"); /* it would start others in turn */
		execl("/bin/true", "true", (char *)NULL);
		_exit(99);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return !WIFEXITED(status) || WEXITSTATUS(status) != 99;
}

/* Nothing is at that address: to hear that is to have been allowed. */
static bool look_into_parent(void)
{
	char byte;
	const struct iovec here = {&byte, 1}, there = {NULL, 1};

	return process_vm_readv(getppid(), &here, 1, &there, 1, 0) == 1 ||
	       errno == EFAULT;
}

/* What root could do with any file of others. */
static bool give_away(void)
{
	return !chown(name_of("INTRUDER_BESIDE"), 1, 1);
}

static const struct {
	const char *name;
	bool (*attempt)(void);
} attempts[] = {
	{"read-elsewhere", read_elsewhere},
	{"read-beside", read_beside},
	{"change-beside", change_beside},
	{"change-image", change_image},
	{"give-away", give_away},
	{"make", make_file},
	{"remove", remove_file},
	{"connect", connect_out},
	{"start", start_program},
	{"look", look_into_parent},
};

static void intrude(unsigned number)
{
	static _Thread_local bool inside;

	if (inside)
		return;
	inside = true;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		dprintf(STDERR_FILENO, "%u %s %s\n", number, attempts[i].name,
			attempts[i].attempt() ? "done" : "refused");
	inside = false;
}

__attribute__((destructor)) static void at_end(void)
{
	intrude(READS + 1);
}

/* the C library has one function under two names */
ssize_t pread(int fd, void *buf, size_t length, off_t offset)
{
	static ssize_t (*real)(int, void *, size_t, off_t);
	static _Atomic unsigned reads;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pread");
	if (reads < READS)
		intrude(++reads);
	return real(fd, buf, length, offset);
}

ssize_t pread64(int fd, void *buf, size_t length, off64_t offset)
{
	return pread(fd, buf, length, offset);
}
