/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"

#include <stdatomic.h>
#include <stdlib.h>

struct vhd_job {
	_Atomic int canceled;
	_Atomic uint64_t done;
	_Atomic uint64_t total;
};

struct vhd_job *vhd_job_new(void)
{
	return calloc(1, sizeof(struct vhd_job));
}

void vhd_job_free(struct vhd_job *job)
{
	free(job);
}

void vhd_job_cancel(struct vhd_job *job)
{
	if (job)
		atomic_store(&job->canceled, 1);
}

void vhd_job_progress(const struct vhd_job *job, uint64_t *done,
		      uint64_t *total)
{
	*done = atomic_load(&job->done);
	*total = atomic_load(&job->total);
}

void vhd_job_start(struct vhd_job *job, uint64_t total)
{
	if (!job)
		return;
	atomic_store(&job->done, 0);
	atomic_store(&job->total, total);
}

void vhd_job_expect(struct vhd_job *job, uint64_t total)
{
	if (job)
		atomic_store(&job->total, total);
}

void vhd_job_add(struct vhd_job *job, uint64_t bytes)
{
	if (job)
		atomic_fetch_add_explicit(&job->done, bytes,
					  memory_order_relaxed);
}

bool vhd_job_canceled(const struct vhd_job *job)
{
	return job &&
	       atomic_load_explicit(&job->canceled, memory_order_relaxed);
}
