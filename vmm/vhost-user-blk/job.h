/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Long work on the image of a disk, beside its guest: a thread of its own. The
 * functions are the main thread's.
 */
#ifndef VUB_JOB_H
#define VUB_JOB_H

#include <jansson.h>
#include <stdbool.h>

#include <libvhd.h>

enum vub_job_kind {
	VUB_JOB_COMPACT,
	VUB_JOB_MERGE,
};

struct vub_job_options {
	enum vub_job_kind kind;
	/* merge; paths of layers, or NULL */
	const char *from;
	const char *into;
	bool delete;
	bool ignore_children;
};

struct vub_job;

/* Begins it; texts of the options are copied. NULL: no memory, or no thread. */
struct vub_job *vub_job_start(struct vhd_disk *disk, const char *path,
			      const struct vub_job_options *options);

/* Is it still at work? */
bool vub_job_runs(struct vub_job *job);

/* Asks it to stop, and waits until it has. The image stays as good as it was.
 */
void vub_job_stop(struct vub_job *job);

/* The same, and frees. NULL is fine. */
void vub_job_end(struct vub_job *job);

/* What it does, how far it is, or how it ended. */
json_t *vub_job_describe(struct vub_job *job);

#endif
