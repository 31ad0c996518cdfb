/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request of the guest's block driver: read from a chain of descriptors in
 * any layout that virtio 1 allows, done by a vhd_queue, and ended with a status
 * byte. The data move between the image and the guest's memory directly.
 */
#ifndef VUB_REQUEST_H
#define VUB_REQUEST_H

#include <stdbool.h>

#include <libvhd.h>

#include "chain.h"
#include "virtio.h"

#define VUB_SEGMENTS_MAX 32u /* ranges of one discard */
#define VUB_RANGE_MAX    ((uint64_t)2 << 30)
#define VUB_OWN_PIECES   4u

struct vub_request {
	struct vub_request *next;
	uint16_t head;
	bool busy; /* between taking and using */
	uint32_t type;
	uint64_t offset; /* bytes */
	uint64_t length; /* of the data */
	struct iovec *iov;
	unsigned count;
	struct iovec own[VUB_OWN_PIECES]; /* iov, if they are few */
	struct virtio_blk_segment *segments;
	unsigned segment_count;
	uint8_t *status;  /* NULL: the chain had no place for it */
	unsigned pending; /* parts in the queue */
	int result;       /* the first failure of them, VHD_E_* */
};

/* What requests need to know of the disk. */
struct vub_target {
	struct vhd_disk *disk;
	bool read_only;
	const char *serial;
};

/*
 * Reads a request from a chain, which is used up by it.
 * Returns a VIRTIO_BLK_S_* that ends it, or -1: it is to be submitted. *wrong
 * is set to what is wrong with the chain, if anything is.
 */
int vub_request_read(struct vub_request *request, struct vub_chain *chain,
		     const struct vub_target *target, const char **wrong);

/* How many places it needs in a queue. */
unsigned vub_request_parts(const struct vub_request *request);
/* Gives it to a queue that has so many; `flags`, VHD_REQUEST_*, are for writes.
 */
void vub_request_submit(struct vub_request *request, struct vhd_queue *queue,
			uint32_t flags);

/* Writes, before it returns. VHD_E_*: some of it may be written. */
int vub_request_write(const struct vub_request *request,
		      const struct vub_target *target);

/* Would it change what the image stores where? */
bool vub_request_changes(const struct vub_request *request,
			 const struct vub_target *target);

/* The status that a VHD_E_* is for the guest. */
uint8_t vub_request_status(int result);
/* Bytes at the beginning of the writable part that hold an answer. */
uint32_t vub_request_written(const struct vub_request *request, uint8_t status);

/* Marks in the log what an ended request wrote into memory. */
void vub_request_mark(const struct vub_request *request,
		      const struct vub_guest *guest, struct vub_dirty *dirty);

/* Frees what it holds; the request itself stays. */
void vub_request_drop(struct vub_request *request);

#endif
