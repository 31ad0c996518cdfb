/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd_job: progress and cancellation of long work. One job accompanies one
 * operation; a NULL job is accepted everywhere.
 */
#ifndef LIBVHD_JOB_H
#define LIBVHD_JOB_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vhd_job;

/* A new job, or NULL when out of memory. */
struct vhd_job *vhd_job_new(void);
void vhd_job_free(struct vhd_job *job);

/*
 * Asks the operation to stop; it returns VHD_E_CANCELED soon after, with
 * nothing half-written left behind. Safe from any thread and from a signal
 * handler.
 */
void vhd_job_cancel(struct vhd_job *job);

/* Bytes of work done and in all (0 while unknown). Safe from any thread. */
void vhd_job_progress(const struct vhd_job *job, uint64_t *done,
		      uint64_t *total);

#ifdef __cplusplus
}
#endif

#endif
