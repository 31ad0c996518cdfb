/* SPDX-License-Identifier: BSD-2-Clause */
/* A chain of descriptors as lists of our own addresses, all of them checked. */
#ifndef VUB_CHAIN_H
#define VUB_CHAIN_H

#include <stdbool.h>

#include <sys/uio.h>

#include "ring.h"

/* Pieces of one chain: descriptors, and one more where a region ends inside. */
#define VUB_PIECES_MAX 1056u

struct vub_chain {
	struct iovec pieces[VUB_PIECES_MAX]; /* first those that we read */
	unsigned readable;                   /* how many of each */
	unsigned writable;
	uint64_t readable_bytes;
	uint64_t writable_bytes;
};

/*
 * Follows the chain at `head`. NULL, or what is wrong with it: it loops, is too
 * long, leaves memory, breaks the rules of indirect descriptors or of the order
 * of readable and writable ones.
 */
const char *vub_chain_read(struct vub_chain *out, const struct vub_ring *ring,
			   const struct vub_guest *guest, bool indirect,
			   uint16_t head);

#endif
