/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages about rings. */
#include <stddef.h>

#include "handlers.h"

const char *vub_on_set_vring_num(struct vub_session *s)
{
	struct vub_queue *q = vub_queue_at(s, s->payload.state.index);
	uint32_t num = s->payload.state.num;

	if (!q)
		return vub_no_queue;
	if (q->started)
		return "a ring that is in use gets no other size";
	if (!num || num > VUB_RING_MAX || (num & (num - 1)))
		return "an impossible size of a ring";
	q->ring.num = num;
	return NULL;
}

/* also of a ring that runs: its flag for the log changes */
const char *vub_on_set_vring_addr(struct vub_session *s)
{
	struct vub_queue *q = vub_queue_at(s, s->payload.addr.index);
	struct vub_ring ring;
	const char *wrong;

	if (!q)
		return vub_no_queue;
	ring = q->ring;
	ring.addr = s->payload.addr;
	wrong = vub_ring_map(&ring, &s->guest);
	if (wrong)
		return wrong;
	vub_queue_stop(q, VUB_STOP_KEEP);
	q->ring.addr = ring.addr;
	vub_session_update(s);
	return NULL;
}

const char *vub_on_set_vring_base(struct vub_session *s)
{
	struct vub_queue *q = vub_queue_at(s, s->payload.state.index);

	if (!q)
		return vub_no_queue;
	if (q->started || s->payload.state.num > UINT16_MAX)
		return "a ring that is in use goes on where it is";
	q->ring.last_avail = (uint16_t)s->payload.state.num;
	return NULL;
}

/*
 * What waits for space cannot wait any longer, unless the front end keeps track
 * of it and hands it back. It does not do so to another host.
 */
static enum vub_stop how_to_stop(const struct vub_session *s)
{
	bool kept = s->inflight.start && !(s->features & VHOST_LOG_ALL);

	return kept ? VUB_STOP_KEEP : VUB_STOP_FAIL;
}

const char *vub_on_get_vring_base(struct vub_session *s)
{
	struct vub_queue *q = vub_queue_at(s, s->payload.state.index);

	if (!q)
		return vub_no_queue;
	vub_queue_stop(q, how_to_stop(s));
	vub_queue_forget(q);
	vub_session_update(s);
	s->payload.state.num = q->ring.last_avail;
	s->reply_size = sizeof(s->payload.state);
	return NULL;
}

/* SET_VRING_KICK, _CALL, _ERR: a queue, and a descriptor or a flag. */
static const char *take_vring_fd(struct vub_session *s, struct vub_queue **q,
				 int *fd)
{
	bool none = s->payload.u64 & VUB_VRING_NO_FD;

	*q = vub_queue_at(s, s->payload.u64 & VUB_VRING_INDEX_MASK);
	if (!*q)
		return vub_no_queue;
	if (s->fd_count != !none)
		return "a descriptor is missing, or there are too many";
	*fd = vub_take_fd(s);
	return NULL;
}

const char *vub_on_set_vring_kick(struct vub_session *s)
{
	struct vub_queue *q;
	int fd;
	const char *wrong = take_vring_fd(s, &q, &fd);

	if (wrong)
		return wrong;
	vub_queue_stop(q, VUB_STOP_KEEP);
	vub_queue_set_kick(q, fd);
	if (!(s->features & VHOST_PROTOCOL_FEATURES))
		q->enabled = true;
	q->started = true;
	vub_session_update(s);
	return NULL;
}

const char *vub_on_set_vring_call(struct vub_session *s)
{
	struct vub_queue *q;
	int fd;
	const char *wrong = take_vring_fd(s, &q, &fd);

	if (!wrong)
		vub_queue_set_call(q, fd);
	return wrong;
}

const char *vub_on_set_vring_err(struct vub_session *s)
{
	struct vub_queue *q;
	int fd;
	const char *wrong = take_vring_fd(s, &q, &fd);

	if (!wrong)
		vub_queue_set_error(q, fd);
	return wrong;
}

const char *vub_on_set_vring_enable(struct vub_session *s)
{
	struct vub_queue *q = vub_queue_at(s, s->payload.state.index);

	if (!q)
		return vub_no_queue;
	if (s->payload.state.num > 1)
		return "a ring is enabled or not";
	q->enabled = s->payload.state.num;
	vub_session_update(s);
	return NULL;
}
