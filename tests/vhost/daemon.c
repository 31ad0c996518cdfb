/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <libvhd.h>

#include "frontend.h"

int test_failed;

static const char *program, *folder;

void test_begin(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s PROGRAM DIR\n", argv[0]);
		exit(2);
	}
	program = argv[1];
	folder = argv[2];
	signal(SIGPIPE, SIG_IGN);
}

const char *test_path(const char *name)
{
	static char paths[64][512];
	static unsigned next;
	char *path = paths[next++ % 64];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

/* -- the program -------------------------------------------------------------
 */

pid_t daemon_start(const char *first, ...)
{
	const char *argv[40] = {program, first};
	unsigned count = 2;
	va_list list;
	pid_t pid;

	va_start(list, first);
	while (count < 39 && (argv[count] = va_arg(list, const char *)))
		count++;
	va_end(list);
	pid = fork();
	if (pid)
		return pid;
	/* a test that ends in the middle leaves nothing behind */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int daemon_stop(pid_t pid)
{
	kill(pid, SIGTERM);
	return wait_for(pid);
}

void daemon_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	wait_for(pid);
}

bool daemon_lives(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

unsigned long daemon_ticks(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	EXPECT(file &&
	       fscanf(file,
		      "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
		      "%lu %lu",
		      &user, &system) == 2);
	if (file)
		fclose(file);
	return user + system;
}

unsigned daemon_fds(pid_t pid)
{
	char path[64];
	unsigned count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* -- images ------------------------------------------------------------------
 */

static void must(int rc, const struct vhd_diag *diag)
{
	if (!rc)
		return;
	fprintf(stderr, "image: %s\n",
		diag->text[0] ? diag->text : vhd_strerror(rc));
	exit(1);
}

static int format_of(const char *path)
{
	size_t n = strlen(path);

	return path[n - 1] == 'x' ? VHD_FORMAT_VHDX : VHD_FORMAT_VHD;
}

static struct vhd_disk *open_disk(const char *path, uint32_t flags)
{
	const struct vhd_disk_options o = {
		.size = sizeof(o),
		.format = format_of(path),
		.flags = flags,
	};
	struct vhd_diag diag = {0};
	struct vhd_disk *disk;

	must(vhd_disk_open(path, &o, &disk, &diag), &diag);
	return disk;
}

static void fill(const char *path)
{
	struct vhd_disk *disk = open_disk(path, VHD_DISK_WRITE);
	uint64_t size = vhd_disk_size(disk), seed = 99;
	struct vhd_diag diag = {0};
	static uint8_t bytes[65536];

	/* every other 64 KiB */
	for (uint64_t at = 0; at + sizeof(bytes) <= size;
	     at += 2 * sizeof(bytes)) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)lot(&seed);
		must(vhd_disk_write(disk, at, bytes, sizeof(bytes), &diag),
		     &diag);
	}
	must(vhd_disk_shut(disk, &diag), &diag);
	vhd_disk_close(disk);
}

static void create(const char *path, uint64_t size, struct vhd_disk *parent,
		   const char *parent_name)
{
	bool vhdx = format_of(path) == VHD_FORMAT_VHDX;
	const struct vhd_create_options o = {
		.size = sizeof(o),
		.flags = VHD_CREATE_FORCE,
		.format = format_of(path),
		.virtual_size = size,
		/* the smallest there are, so that there are many */
		.block_size = vhdx ? 1u << 20 : 1u << 19,
		.parent = parent,
		.parent_name = parent_name,
	};
	struct vhd_diag diag = {0};

	must(vhd_create(path, &o, &diag), &diag);
}

void image_make_child(const char *parent, const char *path)
{
	struct vhd_disk *disk = open_disk(parent, 0);

	create(path, 0, disk, strrchr(parent, '/') + 1);
	vhd_disk_close(disk);
}

void image_make(const char *path, uint64_t size, bool differencing)
{
	char parent[600];

	if (!differencing) {
		create(path, size, NULL, NULL);
		return;
	}
	snprintf(parent, sizeof(parent), "%.*s-base%s",
		 (int)(strrchr(path, '.') - path), path, strrchr(path, '.'));
	create(parent, size, NULL, NULL);
	fill(parent);
	image_make_child(parent, path);
}

void image_write(const char *path, uint64_t offset, const void *bytes,
		 size_t length)
{
	struct vhd_disk *disk = open_disk(path, VHD_DISK_WRITE);
	struct vhd_diag diag = {0};

	must(vhd_disk_write(disk, offset, bytes, length, &diag), &diag);
	must(vhd_disk_shut(disk, &diag), &diag);
	vhd_disk_close(disk);
}

uint8_t *image_read(const char *path, uint64_t *size)
{
	struct vhd_disk *disk = open_disk(path, VHD_DISK_VERIFY);
	struct vhd_diag diag = {0};
	uint8_t *bytes;

	*size = vhd_disk_size(disk);
	bytes = malloc(*size);
	must(vhd_disk_read(disk, 0, bytes, *size, &diag), &diag);
	vhd_disk_close(disk);
	return bytes;
}

void image_expect(const char *path, const uint8_t *expected, uint64_t size)
{
	uint64_t found, at = 0;
	uint8_t *bytes = image_read(path, &found);

	EXPECT(found == size);
	while (found == size && at < size && bytes[at] == expected[at])
		at++;
	if (at < size) {
		fprintf(stderr, "%s differs at %llu\n", path,
			(unsigned long long)at);
		test_failed = 1;
	}
	free(bytes);
}

/* -- control -----------------------------------------------------------------
 */

char *control_say(const char *path, const char *line)
{
	int fd = front_connect(path);
	size_t room = 65536, done = 0;
	char *answer = calloc(1, room);
	ssize_t n;

	if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0 ||
	    send(fd, "\n", 1, MSG_NOSIGNAL) < 0)
		test_failed = 1;
	while (!strchr(answer, '\n') &&
	       (n = recv(fd, answer + done, room - 1 - done, 0)) > 0)
		done += (size_t)n;
	close(fd);
	return answer;
}

bool control_ok(const char *path, const char *line)
{
	char *answer = control_say(path, line);
	bool ok = strstr(answer, "\"ok\":true");

	if (!ok)
		fprintf(stderr, "%s -> %s", line, answer);
	free(answer);
	return ok;
}

uint64_t lot(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}
