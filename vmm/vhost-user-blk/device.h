/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that is served at a socket, to one front end at a time.
 *
 * The image is open all the time, but ours (locked, VHD_DISK_WRITE) only while
 * a front end has a ring started, and before the first one comes. When the last
 * ring stops, the image is closed in order and let go: then another host may
 * take it. A disk that is to be served and is not ours yet is waited for, up
 * to `wait` seconds; after that requests fail, and we go on trying.
 */
#ifndef VUB_DEVICE_H
#define VUB_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <libvhd.h>

#include "explain.h"
#include "job.h"
#include "loop.h"
#include "open.h"
#include "queue.h"

#define VUB_QUEUES_MAX 64u

struct vub_session;

struct vub_device_options {
	const char *id;
	const char *image;
	const char *socket;
	const char *serial; /* NULL: the id */
	struct open_options open;
	unsigned queues;
	bool read_only;
	enum vub_on_full on_full;
	unsigned wait; /* seconds */
	unsigned poll_us;
};

struct vub_device {
	struct vub_device *next;
	char *id;
	char *image;
	char *socket;
	char *serial;
	unsigned queues;
	bool read_only;
	enum vub_on_full on_full;
	unsigned wait;
	unsigned poll_us;
	struct vhd_disk *disk;
	struct vub_source listener; /* no fd while there is a session */
	int listener_fd;
	struct vub_session *session;
	struct vub_job *job; /* at work, or ended; NULL: none yet */
	/* while another host has the image */
	bool wanted;
	bool given_up;    /* requests fail */
	int64_t deadline; /* of giving up */
	int64_t next_try;
};

/* NULL with a sentence in `error`. Texts of the options are copied. */
struct vub_device *vub_device_open(const struct vub_device_options *options,
				   char error[VUB_ERROR_SIZE]);
/* Ends its session, and closes the image in order. */
void vub_device_close(struct vub_device *device);

/* Does somebody need the image? Nothing runs on it. */
void vub_device_want(struct vub_device *device, bool wanted);
/* May requests be served, if only with errors? */
bool vub_device_ready(const struct vub_device *device);
/* Does what is due. Returns the time to do it again, or -1. */
int64_t vub_device_tick(struct vub_device *device);

/* Called when the session has ended. */
void vub_device_lost(struct vub_device *device);

/* Begins to work on the image. 0, or -1 with a sentence. */
int vub_device_begin(struct vub_device *device,
		     const struct vub_job_options *options,
		     char error[VUB_ERROR_SIZE]);
/* Nothing is at work any more when it returns. */
void vub_device_cancel(struct vub_device *device);

/* Grows the disk and tells the guest. 0, or -1 with a sentence. */
int vub_device_resize(struct vub_device *device, uint64_t size,
		      char error[VUB_ERROR_SIZE]);

/* What the guest's driver sees. */
uint64_t vub_device_features(const struct vub_device *device);
void vub_device_config(const struct vub_device *device, bool cache,
		       struct virtio_blk_config *out);

#endif
