/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that move no bytes: names, descriptors, files as a whole, waiting. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "disturb.h"

#define REFUSED(name, fd) disturb(CALL_##name, fd, NULL, HERE)

/* -- opening -----------------------------------------------------------------
 */

static bool makes_a_file(int flags)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

static mode_t mode_of(int flags, va_list rest)
{
	return makes_a_file(flags) ? va_arg(rest, mode_t) : 0;
}

static bool open_is_refused(enum disturb_call call, int flags,
			    const void *caller)
{
	return disturb(makes_a_file(flags) ? CALL_create : call, -1, NULL,
		       caller);
}

int open(const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = mode_of(flags, rest);
	va_end(rest);
	return open_is_refused(CALL_open, flags, HERE)
		       ? -1
		       : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = mode_of(flags, rest);
	va_end(rest);
	return open_is_refused(CALL_open, flags, HERE)
		       ? -1
		       : REAL(open)(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = mode_of(flags, rest);
	va_end(rest);
	return open_is_refused(CALL_openat, flags, HERE)
		       ? -1
		       : REAL(openat)(dir, path, flags, mode);
}

/* openat2(), which has no function; of others nothing is changed */
long syscall(long number, ...)
{
	typedef long call_fn(long, ...);
	static call_fn *_Atomic real;
	long a[6];
	va_list rest;

	va_start(rest, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(rest, long);
	va_end(rest);
	if (!real)
		real = (call_fn *)disturb_real(CALL_openat2, "syscall");
	if (number == SYS_openat2 && REFUSED(openat2, -1))
		return -1;
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

FILE *fopen(const char *path, const char *mode)
{
	return REFUSED(fopen, -1) ? NULL : REAL(fopen)(path, mode);
}

FILE *tmpfile(void)
{
	return REFUSED(tmpfile, -1) ? NULL : REAL(tmpfile)();
}

int mkostemp(char *name, int flags)
{
	return REFUSED(mkostemp, -1) ? -1 : REAL(mkostemp)(name, flags);
}

char *mkdtemp(char *name)
{
	return REFUSED(mkdtemp, -1) ? NULL : REAL(mkdtemp)(name);
}

DIR *opendir(const char *name)
{
	return REFUSED(opendir, -1) ? NULL : REAL(opendir)(name);
}

/* -- a file as a whole -------------------------------------------------------
 */

int fsync(int fd)
{
	return REFUSED(fsync, fd) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	return REFUSED(fdatasync, fd) ? -1 : REAL(fdatasync)(fd);
}

int ftruncate(int fd, off_t size)
{
	return REFUSED(ftruncate, fd) ? -1 : REAL(ftruncate)(fd, size);
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
	return REFUSED(fallocate, fd) ? -1 : REAL(fallocate)(fd, mode, at, len);
}

int posix_fallocate(int fd, off_t at, off_t len)
{
	int error = disturb_error(CALL_posix_fallocate, HERE);

	return error ? error : REAL(posix_fallocate)(fd, at, len);
}

int sync_file_range(int fd, off64_t at, off64_t len, unsigned flags)
{
	return REFUSED(sync_file_range, fd)
		       ? -1
		       : REAL(sync_file_range)(fd, at, len, flags);
}

off_t lseek(int fd, off_t at, int whence)
{
	return REFUSED(lseek, fd) ? -1 : REAL(lseek)(fd, at, whence);
}

int fstat(int fd, struct stat *st)
{
	return REFUSED(fstat, fd) ? -1 : REAL(fstat)(fd, st);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list rest;
	void *argument;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	return REFUSED(ioctl, fd) ? -1 : REAL(ioctl)(fd, request, argument);
}

int fchmod(int fd, mode_t mode)
{
	return REFUSED(fchmod, fd) ? -1 : REAL(fchmod)(fd, mode);
}

/* -- names -------------------------------------------------------------------
 */

int stat(const char *path, struct stat *st)
{
	return REFUSED(stat, -1) ? -1 : REAL(stat)(path, st);
}

int lstat(const char *path, struct stat *st)
{
	return REFUSED(lstat, -1) ? -1 : REAL(lstat)(path, st);
}

int access(const char *path, int mode)
{
	return REFUSED(access, -1) ? -1 : REAL(access)(path, mode);
}

int rename(const char *from, const char *to)
{
	return REFUSED(rename, -1) ? -1 : REAL(rename)(from, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to,
	      unsigned flags)
{
	return REFUSED(renameat2, -1)
		       ? -1
		       : REAL(renameat2)(from_dir, from, to_dir, to, flags);
}

int link(const char *from, const char *to)
{
	return REFUSED(link, -1) ? -1 : REAL(link)(from, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to,
	   int flags)
{
	return REFUSED(linkat, -1)
		       ? -1
		       : REAL(linkat)(from_dir, from, to_dir, to, flags);
}

int unlink(const char *path)
{
	return REFUSED(unlink, -1) ? -1 : REAL(unlink)(path);
}

int mkdir(const char *path, mode_t mode)
{
	return REFUSED(mkdir, -1) ? -1 : REAL(mkdir)(path, mode);
}

/* -- descriptors -------------------------------------------------------------
 */

int dup(int fd)
{
	return REFUSED(dup, -1) ? -1 : REAL(dup)(fd);
}

int dup3(int fd, int to, int flags)
{
	return REFUSED(dup3, -1) ? -1 : REAL(dup3)(fd, to, flags);
}

static bool fcntl_is_refused(int command, const void *caller)
{
	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		return disturb(CALL_fcntl_dup, -1, NULL, caller);
	if (command == F_OFD_SETLK || command == F_OFD_GETLK ||
	    command == F_SETLK || command == F_GETLK)
		return disturb(CALL_fcntl_lock, -1, NULL, caller);
	return false;
}

int fcntl(int fd, int command, ...)
{
	typedef int call_fn(int, int, ...);
	call_fn *real = (call_fn *)disturb_real(CALL_fcntl_dup, "fcntl");
	va_list rest;
	void *argument;

	va_start(rest, command);
	argument = va_arg(rest, void *);
	va_end(rest);
	return fcntl_is_refused(command, HERE) ? -1
					       : real(fd, command, argument);
}

int accept(int fd, struct sockaddr *address, socklen_t *size)
{
	return REFUSED(accept, -1) ? -1 : REAL(accept)(fd, address, size);
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	return REFUSED(accept4, -1) ? -1
				    : REAL(accept4)(fd, address, size, flags);
}

int socket(int domain, int type, int protocol)
{
	return REFUSED(socket, -1) ? -1 : REAL(socket)(domain, type, protocol);
}

int pipe2(int fds[2], int flags)
{
	return REFUSED(pipe2, -1) ? -1 : REAL(pipe2)(fds, flags);
}

int eventfd(unsigned count, int flags)
{
	return REFUSED(eventfd, -1) ? -1 : REAL(eventfd)(count, flags);
}

int signalfd(int fd, const sigset_t *mask, int flags)
{
	return REFUSED(signalfd, -1) ? -1 : REAL(signalfd)(fd, mask, flags);
}

int epoll_create1(int flags)
{
	return REFUSED(epoll_create1, -1) ? -1 : REAL(epoll_create1)(flags);
}

int memfd_create(const char *name, unsigned flags)
{
	return REFUSED(memfd_create, -1) ? -1 : REAL(memfd_create)(name, flags);
}

/* -- waiting, threads, processes ---------------------------------------------
 */

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
	return REFUSED(epoll_wait, -1)
		       ? -1
		       : REAL(epoll_wait)(fd, events, most, timeout);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	return REFUSED(poll, -1) ? -1 : REAL(poll)(fds, count, timeout);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return REFUSED(waitpid, -1) ? -1 : REAL(waitpid)(pid, status, options);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
		   void *(*run)(void *), void *ctx)
{
	int error = disturb_error(CALL_pthread_create, HERE);

	return error ? error
		     : REAL(pthread_create)(thread, attributes, run, ctx);
}

int posix_spawn(pid_t *pid, const char *path,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const *arguments,
		char *const *env)
{
	int error = disturb_error(CALL_posix_spawn, HERE);

	return error ? error
		     : REAL(posix_spawn)(pid, path, actions, attributes,
					 arguments, env);
}

int posix_spawnp(pid_t *pid, const char *file,
		 const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attributes, char *const *arguments,
		 char *const *env)
{
	int error = disturb_error(CALL_posix_spawnp, HERE);

	return error ? error
		     : REAL(posix_spawnp)(pid, file, actions, attributes,
					  arguments, env);
}
