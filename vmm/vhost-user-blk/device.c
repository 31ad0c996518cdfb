/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "explain.h"
#include "job.h"
#include "session.h"
#include "unixsocket.h"

#define RETRY_MS 20
#define LATER_MS 1000

/* -- opening -----------------------------------------------------------------
 */

static int open_image(struct vub_device *d, const struct vub_device_options *o,
		      char error[VUB_ERROR_SIZE])
{
	uint32_t flags = o->read_only ? VHD_DISK_VERIFY : VHD_DISK_WRITE;
	int format = open_format(o->image, o->open.format);
	struct vhd_disk_options options =
		open_disk_options(&o->open, format, flags);
	struct vhd_diag diag = {0};
	int rc;

	if (!format) {
		snprintf(error, VUB_ERROR_SIZE,
			 "%s: a format is needed: its name does not say",
			 o->image);
		return -1;
	}
	rc = vhd_disk_open(o->image, &options, &d->disk, &diag);
	if (rc == VHD_E_BUSY && o->wait) {
		diag = (struct vhd_diag){0};
		options.flags |= VHD_DISK_INACTIVE;
		rc = vhd_disk_open(o->image, &options, &d->disk, &diag);
	}
	if (rc)
		vub_explain(error, o->image, rc, &diag);
	return rc ? -1 : 0;
}

static void greet(void *ctx)
{
	struct vub_device *d = ctx;
	int fd = vub_accept(d->listener_fd);

	if (fd < 0)
		return;
	d->session = vub_session_new(d, fd);
	if (!d->session)
		return;
	/* others wait in the socket's backlog */
	vub_loop_remove(&d->listener);
}

static int open_socket(struct vub_device *d, char error[VUB_ERROR_SIZE])
{
	d->listener_fd = vub_listen(d->socket);
	d->listener = (struct vub_source){d->listener_fd, greet, d};
	if (d->listener_fd >= 0 && !vub_loop_add(&d->listener))
		return 0;
	snprintf(error, VUB_ERROR_SIZE, "%s: %s", d->socket, strerror(errno));
	return -1;
}

static bool copy_texts(struct vub_device *d, const struct vub_device_options *o)
{
	d->id = strdup(o->id);
	d->image = strdup(o->image);
	d->socket = strdup(o->socket);
	d->serial = strdup(o->serial ? o->serial : o->id);
	return d->id && d->image && d->socket && d->serial;
}

struct vub_device *vub_device_open(const struct vub_device_options *o,
				   char error[VUB_ERROR_SIZE])
{
	struct vub_device *d = calloc(1, sizeof(*d));

	snprintf(error, VUB_ERROR_SIZE, "out of memory");
	if (!d)
		return NULL;
	d->listener_fd = -1;
	d->queues = o->queues;
	d->read_only = o->read_only;
	d->on_full = o->on_full;
	d->wait = o->wait;
	d->poll_us = o->poll_us;
	if (copy_texts(d, o) && !open_image(d, o, error) &&
	    !open_socket(d, error))
		return d;
	vub_device_close(d);
	return NULL;
}

static void close_image(struct vub_device *d)
{
	struct vhd_diag diag = {0};
	int rc = 0;

	if (d->disk && vhd_disk_is_active(d->disk))
		rc = vhd_disk_shut(d->disk, &diag);
	if (rc)
		diag_failure(d->image, rc, &diag);
	vhd_disk_close(d->disk);
}

void vub_device_close(struct vub_device *d)
{
	if (d->session)
		vub_session_end(d->session);
	if (d->listener_fd >= 0) {
		vub_loop_remove(&d->listener);
		close(d->listener_fd);
		unlink(d->socket);
	}
	vub_job_end(d->job);
	close_image(d);
	free(d->id);
	free(d->image);
	free(d->socket);
	free(d->serial);
	free(d);
}

void vub_device_lost(struct vub_device *d)
{
	d->session = NULL;
	vub_device_want(d, false);
	if (vub_loop_add(&d->listener))
		diag_warning(d->socket, "not listened at any more: %s",
			     strerror(errno));
}

/* -- whose image it is -------------------------------------------------------
 */

static void let_go(struct vub_device *d)
{
	struct vhd_diag diag = {0};
	int rc;

	vub_device_cancel(d);
	rc = vhd_disk_inactivate(d->disk, &diag);
	if (rc) /* it stays ours */
		diag_failure(d->image, rc, &diag);
}

static void try_again(struct vub_device *d, int rc, const struct vhd_diag *diag)
{
	int64_t now = vub_now();
	bool late = rc != VHD_E_BUSY || now >= d->deadline;

	d->next_try = now + (late ? LATER_MS : RETRY_MS);
	if (late && !d->given_up)
		diag_failure(d->image, rc, diag);
	d->given_up |= late;
}

static void take(struct vub_device *d)
{
	uint64_t size = vhd_disk_size(d->disk);
	struct vhd_diag diag = {0};
	int rc = vhd_disk_activate(d->disk, &diag);

	if (rc) {
		try_again(d, rc, &diag);
		return;
	}
	d->given_up = false;
	if (vhd_disk_size(d->disk) != size && d->session)
		vub_session_config_changed(d->session);
}

void vub_device_want(struct vub_device *d, bool wanted)
{
	bool before = d->wanted;

	d->wanted = wanted;
	if (wanted == before && (wanted || !vhd_disk_is_active(d->disk)))
		return;
	if (!wanted) {
		d->given_up = false;
		let_go(d);
	} else if (!vhd_disk_is_active(d->disk)) {
		d->deadline = vub_now() + (int64_t)d->wait * 1000;
		take(d);
	}
}

bool vub_device_ready(const struct vub_device *d)
{
	return vhd_disk_is_active(d->disk) || d->given_up;
}

int64_t vub_device_tick(struct vub_device *d)
{
	if (!d->wanted || vhd_disk_is_active(d->disk))
		return -1;
	if (vub_now() >= d->next_try) {
		vub_session_pause(d->session);
		take(d);
		vub_session_update(d->session);
	}
	return vhd_disk_is_active(d->disk) ? -1 : d->next_try;
}

/* -- work on it --------------------------------------------------------------
 */

static bool is_at_work(const struct vub_device *d)
{
	return d->job && vub_job_runs(d->job);
}

static const char *why_not(const struct vub_device *d)
{
	if (d->read_only)
		return "is read-only";
	if (is_at_work(d))
		return "another job is at work";
	return vhd_disk_is_active(d->disk) ? NULL : "the image is not ours";
}

int vub_device_begin(struct vub_device *d, const struct vub_job_options *o,
		     char error[VUB_ERROR_SIZE])
{
	const char *wrong = why_not(d);

	if (!wrong) {
		vub_job_end(d->job);
		d->job = vub_job_start(d->disk, d->image, o);
		if (!d->job)
			wrong = "out of memory";
	}
	if (wrong)
		snprintf(error, VUB_ERROR_SIZE, "%s: %s", d->id, wrong);
	return wrong ? -1 : 0;
}

void vub_device_cancel(struct vub_device *d)
{
	if (is_at_work(d))
		vub_job_stop(d->job);
}

/* -- its size ----------------------------------------------------------------
 */

static int resize(struct vub_device *d, uint64_t size, struct vhd_diag *diag)
{
	bool active = vhd_disk_is_active(d->disk);
	int rc = active ? 0 : vhd_disk_activate(d->disk, diag);

	if (rc)
		return rc;
	/* the size that counts is known only now */
	if (size < vhd_disk_size(d->disk))
		rc = VHD_E_DATA;
	else
		rc = vhd_disk_resize(d->disk, size, diag);
	if (!active && !d->wanted)
		let_go(d);
	return rc;
}

int vub_device_resize(struct vub_device *d, uint64_t size,
		      char error[VUB_ERROR_SIZE])
{
	struct vhd_diag diag = {0};
	bool rest;
	int rc;

	if (d->read_only || is_at_work(d)) {
		snprintf(error, VUB_ERROR_SIZE, "%s: %s", d->id,
			 d->read_only ? "is read-only" : "a job is at work");
		return -1;
	}
	/* a disk that is ours grows while the queues run */
	rest = d->session && !vhd_disk_is_active(d->disk);
	if (rest)
		vub_session_pause(d->session);
	rc = resize(d, size, &diag);
	if (rest)
		vub_session_update(d->session);
	if (rc == VHD_E_DATA)
		snprintf(error, VUB_ERROR_SIZE,
			 "a disk does not shrink while it is served");
	else if (rc)
		vub_explain(error, d->image, rc, &diag);
	else if (d->session)
		vub_session_config_changed(d->session);
	return rc ? -1 : 0;
}
