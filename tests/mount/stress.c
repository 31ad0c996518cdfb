/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load for a mounted file system, and its own judge:
 *
 *	stress FOLDER SEED PROCESSES STEPS [WITHOUT]
 *
 * Each process works in a folder of its own and remembers what every file must
 * hold. It creates, writes, appends, cuts, punches holes, writes through memory
 * maps, renames, links, removes, makes and removes folders, syncs, and reads
 * back, warm and after the kernel was asked to forget. At the end everything is
 * verified and stays there. The same seed does the same again. Exit status 1: a
 * file was not what it must be, or a call failed that must not.
 *
 * Calls that a file system does not know (links, holes) are skipped, and so is
 * the operation WITHOUT. Space must not run out: what a full file system keeps
 * of a write is not modelled.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_MAX ((size_t)192 << 10)
#define NAMES    16u
#define FOLDERS  4u /* 0 is the process's own, which stays */

/* what a file must hold; hard links share it */
struct content {
	unsigned char *bytes; /* FILE_MAX, zero behind size */
	size_t size;
	unsigned links;
};

struct name {
	struct content *content; /* NULL: not there */
	char path[32];
};

struct worker {
	unsigned process;
	uint64_t seed;
	uint64_t state;
	unsigned long step;
	const char *operation;
	const char *without; /* or NULL */
	struct name names[NAMES];
	bool folder[FOLDERS];
	unsigned serial; /* no path is used twice */
};

_Noreturn static void fail(const struct worker *w, const char *path,
			   const char *what)
{
	fprintf(stderr,
		"stress: seed %llu process %u step %lu: %s: %s: %s (%s)\n",
		(unsigned long long)w->seed, w->process, w->step, w->operation,
		path, what, errno ? strerror(errno) : "no error");
	_exit(1);
}

static uint64_t number(struct worker *w)
{
	uint64_t z = w->state += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static size_t below(struct worker *w, size_t limit)
{
	return (size_t)(number(w) % limit);
}

static void fill(struct worker *w, unsigned char *to, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t x = number(w);

		memcpy(to + i, &x, n - i < 8 ? n - i : 8);
	}
}

/* -- names -------------------------------------------------------------------
 */

static struct name *pick(struct worker *w, bool there)
{
	size_t start = below(w, NAMES);

	for (size_t i = 0; i < NAMES; i++) {
		struct name *n = &w->names[(start + i) % NAMES];

		if (!n->content == !there)
			return n;
	}
	return NULL;
}

static void new_path(struct worker *w, char *out)
{
	size_t folder = below(w, FOLDERS);

	if (!folder || !w->folder[folder])
		snprintf(out, sizeof(w->names->path), "f%u", w->serial++);
	else
		snprintf(out, sizeof(w->names->path), "d%zu/f%u", folder,
			 w->serial++);
}

static int open_file(const struct worker *w, const struct name *n)
{
	int fd = open(n->path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail(w, n->path, "open");
	return fd;
}

static void forget(struct name *n)
{
	if (!--n->content->links) {
		free(n->content->bytes);
		free(n->content);
	}
	n->content = NULL;
}

/* -- operations: true if there was something to do --------------------------
 */

static bool create(struct worker *w)
{
	struct name *n = pick(w, false);
	int fd;

	if (!n)
		return false;
	n->content = calloc(1, sizeof(*n->content));
	if (!n->content || !(n->content->bytes = calloc(1, FILE_MAX)))
		fail(w, n->path, "memory");
	n->content->links = 1;
	new_path(w, n->path);
	fd = open(n->path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
	if (fd < 0)
		fail(w, n->path, "create");
	close(fd);
	return true;
}

static void put(struct worker *w, struct name *n, size_t at, size_t size)
{
	struct content *c = n->content;
	int fd = open_file(w, n);

	fill(w, c->bytes + at, size);
	if (pwrite(fd, c->bytes + at, size, (off_t)at) != (ssize_t)size)
		fail(w, n->path, "write");
	if (at + size > c->size)
		c->size = at + size;
	close(fd);
}

static bool write_range(struct worker *w)
{
	struct name *n = pick(w, true);
	size_t at;

	if (!n)
		return false;
	at = below(w, FILE_MAX - 1);
	put(w, n, at, 1 + below(w, FILE_MAX - at));
	return true;
}

static bool append(struct worker *w)
{
	struct name *n = pick(w, true);

	if (!n || n->content->size == FILE_MAX)
		return false;
	put(w, n, n->content->size, 1 + below(w, FILE_MAX - n->content->size));
	return true;
}

static bool cut(struct worker *w)
{
	struct name *n = pick(w, true);
	size_t size = below(w, FILE_MAX);

	if (!n)
		return false;
	if (truncate(n->path, (off_t)size))
		fail(w, n->path, "truncate");
	if (size < n->content->size)
		memset(n->content->bytes + size, 0, n->content->size - size);
	n->content->size = size;
	return true;
}

static bool punch(struct worker *w)
{
	struct name *n = pick(w, true);
	size_t at, size;
	int fd, rc;

	if (!n || !n->content->size)
		return false;
	at = below(w, n->content->size);
	size = 1 + below(w, n->content->size - at);
	fd = open_file(w, n);
	rc = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       (off_t)at, (off_t)size);
	if (rc && errno != EOPNOTSUPP)
		fail(w, n->path, "punch");
	if (!rc)
		memset(n->content->bytes + at, 0, size);
	close(fd);
	return true;
}

static bool write_mapped(struct worker *w)
{
	struct name *n = pick(w, true);
	size_t at, size;
	void *map;
	int fd;

	if (!n || !n->content->size)
		return false;
	at = below(w, n->content->size);
	size = 1 + below(w, n->content->size - at);
	fd = open_file(w, n);
	map = mmap(NULL, n->content->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   fd, 0);
	if (map == MAP_FAILED)
		fail(w, n->path, "mmap");
	fill(w, n->content->bytes + at, size);
	memcpy((unsigned char *)map + at, n->content->bytes + at, size);
	if (below(w, 2) && msync(map, n->content->size, MS_SYNC))
		fail(w, n->path, "msync");
	munmap(map, n->content->size);
	close(fd);
	return true;
}

/* to a new name, or over one that exists */
static bool rename_file(struct worker *w)
{
	struct name *from = pick(w, true), *to = pick(w, below(w, 3) == 0);
	char path[sizeof(from->path)];

	if (!from || !to || from == to)
		return false;
	/* POSIX: two links of one file, and nothing happens */
	if (to->content == from->content)
		return false;
	if (to->content)
		memcpy(path, to->path, sizeof(path));
	else
		new_path(w, path);
	if (rename(from->path, path))
		fail(w, from->path, "rename");
	if (to->content)
		forget(to);
	to->content = from->content;
	memcpy(to->path, path, sizeof(path));
	from->content = NULL;
	return true;
}

static bool link_file(struct worker *w)
{
	struct name *from = pick(w, true), *to = pick(w, false);

	if (!from || !to)
		return false;
	new_path(w, to->path);
	if (link(from->path, to->path)) {
		if (errno != EPERM && errno != EOPNOTSUPP)
			fail(w, from->path, "link");
		return true;
	}
	to->content = from->content;
	to->content->links++;
	return true;
}

static bool remove_file(struct worker *w)
{
	struct name *n = pick(w, true);

	if (!n)
		return false;
	if (unlink(n->path))
		fail(w, n->path, "unlink");
	forget(n);
	return true;
}

static bool has_files(const struct worker *w, const char *folder)
{
	size_t length = strlen(folder);

	for (size_t i = 0; i < NAMES; i++)
		if (w->names[i].content &&
		    strncmp(w->names[i].path, folder, length) == 0 &&
		    w->names[i].path[length] == '/')
			return true;
	return false;
}

static bool folders(struct worker *w)
{
	size_t i = 1 + below(w, FOLDERS - 1);
	char path[16];
	bool full;

	snprintf(path, sizeof(path), "d%zu", i);
	full = has_files(w, path);
	if (!w->folder[i]) {
		if (mkdir(path, 0755))
			fail(w, path, "mkdir");
		w->folder[i] = true;
	} else if (rmdir(path) == 0) {
		if (full)
			fail(w, path, "a folder with files was removed");
		w->folder[i] = false;
	} else if (!full) {
		fail(w, path, "rmdir");
	}
	return true;
}

static bool sync_file(struct worker *w)
{
	struct name *n = pick(w, true);
	int fd;

	if (!n)
		return false;
	fd = open_file(w, n);
	if (below(w, 2) ? fsync(fd) : fdatasync(fd))
		fail(w, n->path, "fsync");
	close(fd);
	return true;
}

static void compare(const struct worker *w, const struct name *n,
		    const unsigned char *found)
{
	char text[64];
	size_t i = 0;

	if (memcmp(found, n->content->bytes, n->content->size) == 0)
		return;
	while (found[i] == n->content->bytes[i])
		i++;
	snprintf(text, sizeof(text), "byte %zu is %02x, not %02x", i, found[i],
		 n->content->bytes[i]);
	errno = 0;
	fail(w, n->path, text);
}

static void verify(const struct worker *w, const struct name *n, bool cold)
{
	unsigned char *found = malloc(FILE_MAX);
	int fd = open_file(w, n);
	struct stat st;

	if (cold && fsync(fd))
		fail(w, n->path, "fsync");
	if (cold)
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (!found || fstat(fd, &st) || (size_t)st.st_size != n->content->size)
		fail(w, n->path, "size");
	if (pread(fd, found, FILE_MAX, 0) != (ssize_t)n->content->size)
		fail(w, n->path, "read");
	compare(w, n, found);
	close(fd);
	free(found);
}

static bool read_back(struct worker *w)
{
	struct name *n = pick(w, true);

	if (!n)
		return false;
	verify(w, n, below(w, 2));
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct worker *w);
	unsigned weight;
} operations[] = {
	{"create", create, 14},     {"write", write_range, 20},
	{"append", append, 8},      {"truncate", cut, 7},
	{"punch", punch, 7},        {"mmap", write_mapped, 8},
	{"rename", rename_file, 6}, {"link", link_file, 4},
	{"unlink", remove_file, 7}, {"mkdir, rmdir", folders, 4},
	{"fsync", sync_file, 3},    {"read", read_back, 12},
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static void one_step(struct worker *w)
{
	size_t total = 0, i, at;

	for (i = 0; i < OPERATIONS; i++)
		total += operations[i].weight;
	at = below(w, total);
	for (i = 0; at >= operations[i].weight; i++)
		at -= operations[i].weight;
	w->operation = operations[i].name;
	errno = 0;
	if (!w->without || strcmp(w->without, w->operation) != 0)
		operations[i].run(w);
}

static void work(struct worker *w, const char *top, unsigned long steps)
{
	char path[4096];

	w->state = w->seed * 1000003 + w->process;
	w->operation = "start";
	snprintf(path, sizeof(path), "%s/p%u", top, w->process);
	if (mkdir(path, 0755) || chdir(path))
		fail(w, path, "mkdir");
	for (; w->step < steps; w->step++)
		one_step(w);
	w->operation = "verify";
	for (size_t i = 0; i < NAMES; i++)
		if (w->names[i].content)
			verify(w, &w->names[i], true);
}

int main(int argc, char **argv)
{
	unsigned long processes, steps;
	struct worker w = {0};
	int status, bad = 0;

	if (argc != 5 && argc != 6) {
		fputs("usage: stress FOLDER SEED PROCESSES STEPS [WITHOUT]\n",
		      stderr);
		return 2;
	}
	w.seed = strtoull(argv[2], NULL, 10);
	processes = strtoul(argv[3], NULL, 10);
	steps = strtoul(argv[4], NULL, 10);
	w.without = argv[5];
	for (; w.process < processes; w.process++) {
		pid_t child = fork();

		if (child < 0) {
			perror("stress: fork");
			return 1;
		}
		if (child == 0) {
			work(&w, argv[1], steps);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad ? 1 : 0;
}
