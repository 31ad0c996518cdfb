/* SPDX-License-Identifier: BSD-2-Clause */
/* The side of a vhd_job that operations use. All take a NULL job. */
#ifndef VHD_OPS_JOB_H
#define VHD_OPS_JOB_H

#include <stdbool.h>

#include <libvhd/job.h>

/* Sets the amount of work and starts counting from 0. */
void vhd_job_start(struct vhd_job *job, uint64_t total);
/* Corrects the amount while counting goes on. */
void vhd_job_expect(struct vhd_job *job, uint64_t total);
void vhd_job_add(struct vhd_job *job, uint64_t bytes);
bool vhd_job_canceled(const struct vhd_job *job);

#endif
