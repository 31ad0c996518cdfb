/* SPDX-License-Identifier: BSD-2-Clause */
#include "ublkserver.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "memory.h"
#include "ublkctl.h"
#include "ublkqueue.h"

/* moments, see device_wait(): 15 seconds; old kernels look every 5 */
#define PATIENCE 750

struct ublk_server {
	struct vhd_disk *disk;
	struct ublkctl *control; /* /dev is another when a root's server ends */
	struct ublk_queue queue;
	unsigned index;
	pthread_t thread;
	int end_fd;
	int error; /* of the thread */
};

/* -- opening -----------------------------------------------------------------
 */

static const char *reason(int error)
{
	switch (error) {
	case ENOENT:
		return "this kernel has no ublk";
	case EPIPE:
		return "the kernel does not take its server";
	default:
		return strerror(error);
	}
}

static int failed(const char *image, int error)
{
	diag_error(image, "cannot be attached as a ublk device: %s",
		   reason(error));
	if (error == ENOENT)
		diag_hint("the module is ublk_drv (CONFIG_BLK_DEV_UBLK); NBD "
			  "does without");
	if (error == EPERM)
		diag_hint(
			"it needs io_uring (sysctl kernel.io_uring_disabled)");
	return TOOL_FAILED;
}

static uint32_t physical_sector(struct vhd_disk *disk)
{
	struct vhd_image_info info;

	vhd_image_get_info(vhd_disk_image(disk, 0), &info);
	return info.physical_sector_size > info.logical_sector_size
		       ? info.physical_sector_size
		       : vhd_disk_sector_size(disk);
}

static int add_device(struct ublk_server *s)
{
	const struct ublkwire_shape shape = {
		.size = vhd_disk_size(s->disk),
		.logical = vhd_disk_sector_size(s->disk),
		.physical = physical_sector(s->disk),
		.buffer_size = UBLKQUEUE_BUFFER,
		.depth = UBLKQUEUE_DEPTH,
		.writable = vhd_disk_is_writable(s->disk),
	};
	int rc = ublkctl_add(s->control, &shape);

	if (rc >= 0)
		s->index = (unsigned)rc;
	return rc < 0 ? rc : 0;
}

static void *work(void *ctx)
{
	const uint64_t one = 1;
	struct ublk_server *s = ctx;

	s->error = ublk_queue_run(&s->queue);
	if (write(s->end_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes it */
	return NULL;
}

static int begin(struct ublk_server *s)
{
	int rc = ublk_queue_open(&s->queue, s->disk, s->index,
				 ublkctl_is_encoded(s->control));

	if (!rc)
		rc = -pthread_create(&s->thread, NULL, work, s);
	if (rc)
		ublk_queue_close(&s->queue);
	return rc;
}

static int open_all(struct ublk_server *s)
{
	int rc = ublkctl_open(&s->control);

	if (rc)
		return rc;
	rc = add_device(s);
	if (rc)
		return rc;
	rc = begin(s);
	if (rc)
		ublkctl_delete(s->control, s->index);
	return rc;
}

static int open_server(struct vhd_disk *disk, const char *image, void **out)
{
	struct ublk_server *s = tool_zalloc(sizeof(*s));
	int rc = -ENOMEM;

	s->disk = disk;
	s->end_fd = eventfd(0, EFD_CLOEXEC);
	if (s->end_fd >= 0)
		rc = open_all(s);
	if (!rc) {
		*out = s;
		return TOOL_DONE;
	}
	ublkctl_close(s->control);
	if (s->end_fd >= 0)
		close(s->end_fd);
	free(s);
	return failed(image, -rc);
}

/* -- the device's life -------------------------------------------------------
 */

static int start(void *server, const char *image, char name[DEVICE_NAME])
{
	struct ublk_server *s = server;
	int rc = ublkctl_start(s->control, s->index, s->end_fd);

	if (rc)
		return failed(image, -rc);
	snprintf(name, DEVICE_NAME, "ublkb%u", s->index);
	return TOOL_DONE;
}

static int end_fd(const void *server)
{
	const struct ublk_server *s = server;

	return s->end_fd;
}

static void stop(void *server)
{
	struct ublk_server *s = server;

	ublkctl_stop(s->control, s->index);
}

static void finish(void *server)
{
	struct ublk_server *s = server;

	stop(s); /* if nobody has: the thread ends by that only */
	pthread_join(s->thread, NULL);
	if (s->error)
		diag_warning("ublk", "no requests from the kernel: %s",
			     strerror(-s->error));
	ublk_queue_close(&s->queue);
}

static void free_server(void *server)
{
	struct ublk_server *s = server;

	ublkctl_delete(s->control, s->index);
	ublkctl_close(s->control);
	close(s->end_fd);
	free(s);
}

const struct servant ublk_servant = {
	.open = open_server,
	.start = start,
	.end_fd = end_fd,
	.stop = stop,
	.finish = finish,
	.free = free_server,
};

/* -- from outside ------------------------------------------------------------
 */

/*
 * A device whose server has died is stopped by the kernel, if not at once. One
 * that lives on is another's.
 */
static int delete_dead(struct ublkctl *c, unsigned index)
{
	int rc = ublkctl_is_live(c, index);

	for (int i = 0; rc == 1 && i < PATIENCE; i++) {
		device_wait();
		rc = ublkctl_is_live(c, index);
	}
	if (rc)
		return rc < 0 ? rc : -EBUSY;
	return ublkctl_delete_dead(c, index);
}

int ublk_take_away(const char *name, bool alive)
{
	unsigned index = (unsigned)strtoul(name + strlen("ublkb"), NULL, 10);
	struct ublkctl *c;
	int rc = ublkctl_open(&c);

	if (rc)
		return rc;
	rc = alive ? ublkctl_stop(c, index) : delete_dead(c, index);
	ublkctl_close(c);
	return rc == -ENODEV ? 0 : rc;
}
