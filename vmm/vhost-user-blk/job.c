/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "json.h"

struct vub_job {
	struct vhd_disk *disk;
	char *path;
	char *from;
	char *into;
	struct vub_job_options options;
	struct vhd_job *work; /* progress and cancellation */
	pthread_t thread;
	bool joined;
	_Atomic bool ended; /* what follows belongs to the thread before */
	int rc;
	struct vhd_diag diag;
	struct vhd_compact_result compacted;
};

/* -- the thread --------------------------------------------------------------
 */

static int compact(struct vub_job *j)
{
	const struct vhd_compact_options o = {
		.size = sizeof(o),
		.flags = VHD_COMPACT_LIVE | VHD_COMPACT_ZEROES |
			 VHD_COMPACT_PARENT_EQUAL,
	};

	return vhd_compact_disk(j->disk, &o, &j->compacted, j->work, &j->diag);
}

static int merge(struct vub_job *j)
{
	const struct vhd_merge_options o = {
		.size = sizeof(o),
		.flags = (j->options.delete ? VHD_MERGE_DELETE : 0) |
			 (j->options.ignore_children ? VHD_MERGE_IGNORE_CHILDREN
						     : 0),
		.from = j->from,
		.into = j->into,
	};

	return vhd_merge_disk(j->disk, &o, j->work, &j->diag);
}

static void *run(void *ctx)
{
	struct vub_job *j = ctx;

	j->rc = j->options.kind == VUB_JOB_COMPACT ? compact(j) : merge(j);
	atomic_store(&j->ended, true);
	return NULL;
}

/* -- the main thread ---------------------------------------------------------
 */

static char *copy_text(const char *text, bool *missing)
{
	char *copy = text ? strdup(text) : NULL;

	*missing |= text && !copy;
	return copy;
}

static void drop(struct vub_job *j)
{
	vhd_job_free(j->work);
	free(j->path);
	free(j->from);
	free(j->into);
	free(j);
}

struct vub_job *vub_job_start(struct vhd_disk *disk, const char *path,
			      const struct vub_job_options *options)
{
	struct vub_job *j = calloc(1, sizeof(*j));
	bool missing = false;

	if (!j)
		return NULL;
	j->disk = disk;
	j->options = *options;
	j->path = copy_text(path, &missing);
	j->from = copy_text(options->from, &missing);
	j->into = copy_text(options->into, &missing);
	j->work = vhd_job_new();
	if (!missing && j->work && !pthread_create(&j->thread, NULL, run, j))
		return j;
	drop(j);
	return NULL;
}

static void join(struct vub_job *j)
{
	if (!j->joined)
		pthread_join(j->thread, NULL);
	j->joined = true;
}

bool vub_job_runs(struct vub_job *j)
{
	if (!atomic_load(&j->ended))
		return true;
	join(j);
	return false;
}

void vub_job_stop(struct vub_job *j)
{
	vhd_job_cancel(j->work);
	join(j);
}

void vub_job_end(struct vub_job *j)
{
	if (!j)
		return;
	vub_job_stop(j);
	drop(j);
}

static void describe_gain(json_t *o, const struct vhd_compact_result *r)
{
	json_put_size(o, "file_size_before", r->file_before);
	json_put_size(o, "file_size", r->file_after);
	json_put_size(o, "actual_size_before", r->host_before);
	json_put_size(o, "actual_size", r->host_after);
	json_put_size(o, "zero_blocks", r->zero_blocks);
	json_put_size(o, "parent_blocks", r->parent_blocks);
	json_put_size(o, "moved_blocks", r->moved_blocks);
}

static const char *outcome(int rc)
{
	if (!rc)
		return "done";
	return rc == VHD_E_CANCELED ? "cancelled" : "failed";
}

json_t *vub_job_describe(struct vub_job *j)
{
	char error[VUB_ERROR_SIZE];
	bool runs = vub_job_runs(j);
	json_t *o = json_new_object();
	uint64_t done, total;

	vhd_job_progress(j->work, &done, &total);
	json_put_text(o, "command",
		      j->options.kind == VUB_JOB_COMPACT ? "compact" : "merge");
	json_put_text(o, "state", runs ? "running" : outcome(j->rc));
	json_put_size(o, "done", done);
	json_put_size(o, "total", total);
	if (!runs && j->rc) {
		vub_explain(error, j->path, j->rc, &j->diag);
		json_put_text(o, "error", error);
	} else if (!runs && j->options.kind == VUB_JOB_COMPACT) {
		describe_gain(o, &j->compacted);
	}
	return o;
}
