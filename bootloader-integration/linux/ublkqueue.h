/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of a ublk device: requests from the driver into a vhd_queue,
 * completions back. Each tag is always in one of three hands: the kernel's,
 * waiting for a request, the vhd_queue's, or, when the device has been stopped,
 * nobody's. The kernel copies data between its pages and our buffers, in this
 * thread.
 *
 * The thread waits in one ring only, which also watches the vhd_queue's
 * descriptor; what is committed goes out with the same call.
 */
#ifndef LINUX_UBLKQUEUE_H
#define LINUX_UBLKQUEUE_H

#include <liburing.h>

#include <libvhd.h>

#include "ublkwire.h"

/* requests at a time, and bytes of each: 16 MiB, which stay in memory */
#define UBLKQUEUE_DEPTH  128
#define UBLKQUEUE_BUFFER (128u << 10)

struct ublk_slot {
	struct ublkwire_request request;
	unsigned char *buffer;
	uint16_t tag;
};

struct ublk_queue {
	struct vhd_queue *queue;
	struct io_uring ring;
	bool has_ring;
	bool encoded;
	bool watching;              /* the vhd_queue's descriptor */
	int fd;                     /* /dev/ublkcN */
	const unsigned char *descs; /* shared by the kernel */
	size_t descs_size;
	unsigned char *memory;
	unsigned alive; /* tags that the kernel or the vhd_queue has */
	int error;      /* why one is not */
	struct ublk_slot slots[UBLKQUEUE_DEPTH];
};

/* Of device `index`. 0 or -errno; in both cases to be closed. */
int ublk_queue_open(struct ublk_queue *q, struct vhd_disk *disk, unsigned index,
		    bool encoded);

/*
 * Serves, in a thread that does nothing else, until the device is stopped.
 * 0, or -errno if the kernel refused to give requests.
 */
int ublk_queue_run(struct ublk_queue *q);

void ublk_queue_close(struct ublk_queue *q);

#endif
