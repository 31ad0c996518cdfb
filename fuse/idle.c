/* SPDX-License-Identifier: BSD-2-Clause */
#include "idle.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

struct idle {
	struct mount *mount;
	unsigned seconds;
};

static struct idle idle;

/* once a second: a file that was opened and closed in between counts too */
static void *watch(void *unused)
{
	const struct timespec second = {.tv_sec = 1};
	uint64_t seen = atomic_load(&idle.mount->requests);
	unsigned quiet = 0;

	while (quiet < idle.seconds) {
		uint64_t now;

		nanosleep(&second, NULL);
		now = atomic_load(&idle.mount->requests);
		quiet = now == seen && !atomic_load(&idle.mount->open_files)
				? quiet + 1
				: 0;
		seen = now;
	}
	kill(getpid(), SIGTERM);
	return unused;
}

void idle_watch(struct mount *mount, unsigned seconds)
{
	pthread_t thread;

	if (!seconds)
		return;
	idle = (struct idle){mount, seconds};
	if (!pthread_create(&thread, NULL, watch, NULL))
		pthread_detach(thread);
}
