/* SPDX-License-Identifier: BSD-2-Clause */
/* When which call goes wrong. */
#include "disturb.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define PAGE 4096

enum mode { MODE_NONE, MODE_SHORT, MODE_SLOW, MODE_CALL, MODE_MEMORY };

static struct {
	enum mode mode;
	uint64_t seed;
	uint64_t n;
	unsigned error; /* errno */
	unsigned bit;   /* CAN_* that belongs to it */
	bool lasting;
	char in[64];
	char not_in[64];
	bool on;
} how;

static struct disturb_counts nowhere;
static struct disturb_counts *counts = &nowhere;

static const struct {
	const char *name;
	unsigned can;
} calls[] = {
#define CALL(name, can) [CALL_##name] = {#name, can},
#include "calls.def"
#undef CALL
};

/* what we do ourselves is left alone */
static _Thread_local bool inside __attribute__((tls_model("initial-exec")));

/* -- what is wanted ----------------------------------------------------------
 */

static void set(const char *key, const char *value)
{
	uint64_t number = strtoull(value, NULL, 10);

	if (!strcmp(key, "seed"))
		how.seed = number;
	else if (!strcmp(key, "n"))
		how.n = number;
	else if (!strcmp(key, "lasting"))
		how.lasting = number != 0;
	else if (!strcmp(key, "error"))
		how.error = (unsigned)number;
	else if (!strcmp(key, "in"))
		strncpy(how.in, value, sizeof(how.in) - 1);
	else if (!strcmp(key, "not"))
		strncpy(how.not_in, value, sizeof(how.not_in) - 1);
}

static unsigned bit_of(unsigned error)
{
	switch (error) {
	case EINTR:
		return CAN_INTR;
	case EIO:
		return CAN_IO;
	case ENOSPC:
		return CAN_SPACE;
	case EMFILE:
		return CAN_FD;
	case EAGAIN:
		return CAN_AGAIN;
	default:
		return 0;
	}
}

static enum mode mode_of(const char *name)
{
	static const char *const names[] = {"", "short", "slow", "call",
					    "memory"};

	for (unsigned i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return (enum mode)i;
	return MODE_NONE;
}

static void map_counts(void)
{
	const char *path = getenv("VHD_DISTURB_COUNTS");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *page;

	if (fd < 0)
		return;
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (page != MAP_FAILED)
		counts = page;
}

/* from main() on: what the loader and the libraries do before is not ours */
static void begin(void)
{
	const char *wish = getenv("VHD_DISTURB");
	char text[256], *rest = text, *word;

	if (!wish || strlen(wish) >= sizeof(text))
		return;
	strcpy(text, wish);
	how.mode = mode_of(strsep(&rest, ","));
	while ((word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value = '\0';
		set(word, value + 1);
	}
	how.bit = bit_of(how.error);
	map_counts();
	how.on = how.mode != MODE_NONE;
}

static int (*real_main)(int, char **, char **);

static int our_main(int argc, char **argv, char **env)
{
	inside = true;
	begin();
	inside = false;
	return real_main(argc, argv, env);
}

typedef int start_fn(int (*)(int, char **, char **), int, char **,
		     void (*)(void), void (*)(void), void (*)(void), void *);

start_fn __libc_start_main;

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
		      void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack)
{
	start_fn *real = (start_fn *)dlsym(RTLD_NEXT, "__libc_start_main");

	real_main = main;
	return real(our_main, argc, argv, init, fini, rtld_fini, stack);
}

/* -- who calls what ----------------------------------------------------------
 */

void *disturb_real(enum disturb_call call, const char *name)
{
	static void *_Atomic known[CALLS];
	void *found = atomic_load(&known[call]);
	bool before = inside;

	if (found)
		return found;
	inside = true;
	found = dlsym(RTLD_NEXT, name);
	inside = before;
	atomic_store(&known[call], found);
	return found;
}

/* "nbdkit-vhd-plugin" is libnbd.../nbdkit-vhd-plugin.so, too */
static bool is_wanted(const void *caller)
{
	struct dl_find_object object;
	const char *name, *slash;

	if (!how.in[0] && !how.not_in[0])
		return true;
	if (_dl_find_object((void *)(uintptr_t)caller, &object))
		return false;
	name = object.dlfo_link_map->l_name;
	if (!name[0])
		name = program_invocation_short_name;
	slash = strrchr(name, '/');
	name = slash ? slash + 1 : name;
	if (how.not_in[0] && !strncmp(name, how.not_in, strlen(how.not_in)))
		return false;
	return !strncmp(name, how.in, strlen(how.in));
}

static bool is_on(const void *caller)
{
	return how.on && !inside && is_wanted(caller);
}

/* regular files, pipes, and sockets that carry a stream */
static bool carries_bytes(int fd)
{
	socklen_t size = sizeof(int);
	struct stat st;
	int type = 0;

	if (REAL(fstat)(fd, &st))
		return false;
	if (S_ISSOCK(st.st_mode))
		return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) &&
		       type == SOCK_STREAM;
	return S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode);
}

/* -- what happens ------------------------------------------------------------
 */

uint64_t disturb_draw(uint64_t limit)
{
	uint64_t x = how.seed * 0x9E3779B97F4A7C15u +
		     atomic_fetch_add(&counts->draws, 1) * 0xBF58476D1CE4E5B9u;

	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
	x = (x ^ x >> 27) * 0x94D049BB133111EBu;
	return (x ^ x >> 31) % limit;
}

void disturb_tell(enum disturb_call call, bool interrupted)
{
	atomic_fetch_add(
		interrupted ? &counts->interrupted : &counts->shortened, 1);
	strncpy(counts->last, calls[call].name, sizeof(counts->last) - 1);
}

bool disturb_is_short(const void *caller)
{
	return how.mode == MODE_SHORT && is_on(caller);
}

static bool shorten(enum disturb_call call, int fd, size_t *length)
{
	unsigned can = calls[call].can;

	if ((can & CAN_SHORT) && fd >= 0 && !carries_bytes(fd))
		return false;
	atomic_fetch_add(&counts->calls, 1);
	if ((can & CAN_INTR) && disturb_draw(4) == 0) {
		disturb_tell(call, true);
		errno = EINTR;
		return true;
	}
	if ((can & CAN_SHORT) && length && *length > 1 &&
	    disturb_draw(2) == 0) {
		disturb_tell(call, false);
		*length = 1 + disturb_draw(*length - 1);
	}
	return false;
}

/* the N-th, and how.lasting: those behind it */
static bool is_hit(void)
{
	uint64_t n = 1 + atomic_fetch_add(&counts->calls, 1);

	if (!how.n || n < how.n || (n > how.n && !how.lasting))
		return false;
	atomic_fetch_add(&counts->failed, 1);
	return true;
}

static bool fail(enum disturb_call call)
{
	if (!(calls[call].can & how.bit) || !is_hit())
		return false;
	strncpy(counts->last, calls[call].name, sizeof(counts->last) - 1);
	errno = (int)how.error;
	return true;
}

static void take_time(void)
{
	struct timespec pause = {0};

	atomic_fetch_add(&counts->calls, 1);
	if (disturb_draw(4))
		return;
	atomic_fetch_add(&counts->slowed, 1);
	pause.tv_nsec = (long)(disturb_draw(8) * 250000);
	nanosleep(&pause, NULL);
}

bool disturb(enum disturb_call call, int fd, size_t *length, const void *caller)
{
	int saved = errno;
	bool refused = false;

	if (call == CALL_accept || call == CALL_accept4)
		atomic_fetch_add(&counts->accepts, 1);
	if (!is_on(caller))
		return false;
	inside = true;
	if (how.mode == MODE_SHORT)
		refused = shorten(call, fd, length);
	else if (how.mode == MODE_CALL)
		refused = fail(call);
	else if (how.mode == MODE_SLOW)
		take_time();
	inside = false;
	if (!refused)
		errno = saved;
	return refused;
}

int disturb_error(enum disturb_call call, const void *caller)
{
	int saved = errno, error = 0;

	if (disturb(call, -1, NULL, caller))
		error = errno;
	errno = saved;
	return error;
}

bool disturb_memory(const void *caller)
{
	if (how.mode != MODE_MEMORY || !is_on(caller) || !is_hit())
		return false;
	strcpy(counts->last, "an allocation");
	errno = ENOMEM;
	return true;
}
