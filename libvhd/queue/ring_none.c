/* SPDX-License-Identifier: BSD-2-Clause */
/* Instead of ring.c where there is no liburing: no queue has a ring. */
#include "queue.h"

int vhd_ring_new(struct vhd_queue *queue, struct vhd_ring **out)
{
	(void)queue;
	(void)out;
	return VHD_E_UNSUPPORTED;
}

void vhd_ring_free(struct vhd_ring *ring)
{
	(void)ring;
}

bool vhd_ring_try(struct vhd_ring *ring, struct vhd_request *r)
{
	(void)ring;
	(void)r;
	return false;
}

void vhd_ring_submit(struct vhd_ring *ring)
{
	(void)ring;
}

void vhd_ring_collect(struct vhd_ring *ring, int timeout_ms)
{
	(void)ring;
	(void)timeout_ms;
}

int vhd_ring_fd(struct vhd_ring *ring)
{
	(void)ring;
	return -1;
}

void vhd_ring_tell(struct vhd_ring *ring)
{
	(void)ring;
}

void vhd_ring_calm(struct vhd_ring *ring)
{
	(void)ring;
}
