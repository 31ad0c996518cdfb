/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that share one piece of work. */
#ifndef VHD_OPS_WORKERS_H
#define VHD_OPS_WORKERS_H

#include <pthread.h>
#include <unistd.h>

#define VHD_WORKERS_MAX 64u

/* `jobs`, or a good number for 0. */
static inline unsigned vhd_worker_count(unsigned jobs)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!jobs)
		jobs = cpus < 2 ? 2 : cpus > 4 ? 4 : (unsigned)cpus;
	return jobs > VHD_WORKERS_MAX ? VHD_WORKERS_MAX : jobs;
}

/* Runs `work` in `count` threads, the caller's among them, and waits. Fewer,
 * if the host gives no more threads. */
static inline void vhd_run_workers(unsigned count, void *(*work)(void *),
				   void *ctx)
{
	pthread_t threads[VHD_WORKERS_MAX];
	unsigned started = 0;

	while (started + 1 < count &&
	       !pthread_create(&threads[started], NULL, work, ctx))
		started++;
	work(ctx);
	while (started)
		pthread_join(threads[--started], NULL);
}

#endif
