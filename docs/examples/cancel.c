/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Long work, with progress, that can be stopped: makes a compressed raw copy of
 * a disk.
 *
 *	cancel FROM.vhdx TO.raw.gz [LIMIT]
 *
 * Ctrl-C stops it, and so do LIMIT bytes of progress. Then TO does not exist
 * (or is what it was): a file gets its name when it is complete and durable.
 * vhd_merge(), vhd_compact(), vhd_hash() and the others take a job as well;
 * those that work in place leave an image that shows what it showed.
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <libvhd.h>

static struct vhd_job *job;

struct work {
	struct vhd_disk *disk;
	const char *path;
	struct vhd_diag diag;
	int error;
	int ended[2]; /* a pipe, closed at the end */
};

static void on_signal(int signal)
{
	(void)signal;
	vhd_job_cancel(job); /* may be called from anywhere */
}

static void *convert(void *ctx)
{
	const struct vhd_convert_options options = {.size = sizeof(options),
						    .format = VHD_FORMAT_RAW,
						    .flags = VHD_CONVERT_GZIP};
	struct work *work = ctx;

	work->error =
		vhd_convert(work->disk, work->path, &options, job, &work->diag);
	close(work->ended[1]);
	return NULL;
}

/* Looks at the job ten times a second, until the work has ended. */
static void watch(const struct work *work, uint64_t limit)
{
	struct pollfd ended = {.fd = work->ended[0], .events = POLLIN};
	uint64_t done, total;

	while (poll(&ended, 1, 100) <= 0) {
		vhd_job_progress(job, &done, &total);
		if (total)
			fprintf(stderr, "\r%3" PRIu64 " %%",
				done / (total / 100 + 1));
		if (done >= limit)
			vhd_job_cancel(job);
	}
	fprintf(stderr, "\r     \r");
}

static int run(struct work *work, uint64_t limit)
{
	const struct sigaction action = {.sa_handler = on_signal};
	pthread_t thread;

	if (pipe(work->ended))
		return VHD_E_IO;
	sigaction(SIGINT, &action, NULL);
	if (pthread_create(&thread, NULL, convert, work))
		return VHD_E_NOMEM;
	watch(work, limit);
	pthread_join(thread, NULL);
	close(work->ended[0]);
	return work->error;
}

int main(int argc, char **argv)
{
	const struct vhd_disk_options options = {.size = sizeof(options),
						 .format = VHD_FORMAT_VHDX};
	struct work work = {0};
	int error;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: cancel FROM.vhdx TO.raw.gz [LIMIT]\n");
		return 2;
	}
	work.path = argv[2];
	job = vhd_job_new();
	error = job ? vhd_disk_open(argv[1], &options, &work.disk, &work.diag)
		    : VHD_E_NOMEM;
	if (!error)
		error = run(&work, argc == 4 ? strtoull(argv[3], NULL, 0)
					     : UINT64_MAX);
	if (error == VHD_E_CANCELED)
		puts("cancelled; nothing is left of it");
	else if (error)
		fprintf(stderr, "cancel: %s\n",
			work.diag.error ? work.diag.text : vhd_strerror(error));
	vhd_disk_close(work.disk);
	vhd_job_free(job);
	return error ? 1 : 0;
}
