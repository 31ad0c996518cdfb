/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each message of the front end does. A handler returns NULL, or what is
 * wrong with the message; then nothing has changed, or what it was about is
 * gone. Rings that run are stopped around changes that they would see.
 */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include "session.h"

#define PROTOCOL_FEATURES                                                      \
	(VUB_P_MQ | VUB_P_LOG_SHMFD | VUB_P_REPLY_ACK | VUB_P_BACKEND_REQ |    \
	 VUB_P_CONFIG | VUB_P_INFLIGHT_SHMFD | VUB_P_RESET_DEVICE |            \
	 VUB_P_MEM_SLOTS)

/* the descriptor that came along, from here on the caller's; -1: none */
static int take_fd(struct vub_session *s)
{
	int fd = s->fd_count ? s->fds[0] : -1;

	if (fd >= 0)
		s->fds[0] = -1;
	return fd;
}

static const char *reply_u64(struct vub_session *s, uint64_t value)
{
	s->payload.u64 = value;
	s->reply_size = sizeof(value);
	return NULL;
}

static struct vub_queue *queue_at(struct vub_session *s, uint64_t index)
{
	return index < s->queue_count ? &s->queues[index] : NULL;
}

static const char no_queue[] = "no such queue";

/* -- features ----------------------------------------------------------------
 */

static const char *get_features(struct vub_session *s)
{
	return reply_u64(s, vub_device_features(s->device));
}

static const char *set_features(struct vub_session *s)
{
	if (s->payload.u64 & ~vub_device_features(s->device))
		return "features that were not offered";
	vub_session_pause(s);
	s->features = s->payload.u64;
	vub_session_apply(s);
	vub_session_update(s);
	return NULL;
}

static const char *get_protocol_features(struct vub_session *s)
{
	return reply_u64(s, PROTOCOL_FEATURES);
}

static const char *set_protocol_features(struct vub_session *s)
{
	if (s->payload.u64 & ~PROTOCOL_FEATURES)
		return "protocol features that were not offered";
	s->protocol = s->payload.u64;
	return NULL;
}

static const char *get_queue_num(struct vub_session *s)
{
	return reply_u64(s, s->queue_count);
}

static const char *nothing(struct vub_session *s)
{
	(void)s;
	return NULL;
}

/* all rings are stopped, and all requests of theirs ended */
static void stop_rings(struct vub_session *s)
{
	for (unsigned i = 0; i < s->queue_count; i++) {
		vub_queue_stop(&s->queues[i], VUB_STOP_FAIL);
		vub_queue_forget(&s->queues[i]);
		s->queues[i].enabled = false;
	}
	vub_session_update(s);
}

static const char *reset_owner(struct vub_session *s)
{
	stop_rings(s);
	return NULL;
}

static const char *reset_device(struct vub_session *s)
{
	stop_rings(s);
	s->features = 0;
	s->cache = true;
	vub_session_apply(s);
	return NULL;
}

/* -- memory ------------------------------------------------------------------
 */

static const char *add_regions(struct vub_session *s, const struct vub_table *t)
{
	const char *wrong = NULL;

	for (unsigned i = 0; i < t->count && !wrong; i++)
		wrong = vub_guest_add(&s->guest, &t->regions[i], s->fds[i]);
	if (wrong)
		vub_guest_clear(&s->guest);
	return wrong;
}

static const char *set_mem_table(struct vub_session *s)
{
	const struct vub_table *t = &s->payload.table;
	size_t head = offsetof(struct vub_table, regions);
	const char *wrong;

	if (s->header.size < head || t->count > VUB_TABLE_REGIONS ||
	    s->header.size < head + t->count * sizeof(t->regions[0]) ||
	    s->fd_count != t->count)
		return "a memory table that does not fit its message";
	vub_session_pause(s);
	vub_guest_clear(&s->guest);
	wrong = add_regions(s, t);
	vub_session_update(s);
	return wrong;
}

static const char *get_max_mem_slots(struct vub_session *s)
{
	return reply_u64(s, VUB_REGIONS_MAX);
}

static const char *add_mem_reg(struct vub_session *s)
{
	const char *wrong;

	vub_session_pause(s);
	wrong = vub_guest_add(&s->guest, &s->payload.region.region, s->fds[0]);
	vub_session_update(s);
	return wrong;
}

static const char *rem_mem_reg(struct vub_session *s)
{
	const char *wrong;

	vub_session_pause(s);
	wrong = vub_guest_remove(&s->guest, &s->payload.region.region);
	vub_session_update(s);
	return wrong;
}

static const char *set_log_base(struct vub_session *s)
{
	const struct vub_log log = s->payload.log;
	struct vub_map map = {0};
	const char *wrong = vub_map_open(&map, s->fds[0], log.offset, log.size);

	if (wrong)
		return wrong;
	vub_session_pause(s);
	vub_map_close(&s->dirty.map);
	s->dirty.map = map;
	vub_session_apply(s);
	vub_session_update(s);
	return reply_u64(s, 0);
}

/* -- rings -------------------------------------------------------------------
 */

static const char *set_vring_num(struct vub_session *s)
{
	struct vub_queue *q = queue_at(s, s->payload.state.index);
	uint32_t num = s->payload.state.num;

	if (!q)
		return no_queue;
	if (q->started)
		return "a ring that is in use gets no other size";
	if (!num || num > VUB_RING_MAX || (num & (num - 1)))
		return "an impossible size of a ring";
	q->ring.num = num;
	return NULL;
}

/* also of a ring that runs: its flag for the log changes */
static const char *set_vring_addr(struct vub_session *s)
{
	struct vub_queue *q = queue_at(s, s->payload.addr.index);
	struct vub_ring ring;
	const char *wrong;

	if (!q)
		return no_queue;
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

static const char *set_vring_base(struct vub_session *s)
{
	struct vub_queue *q = queue_at(s, s->payload.state.index);

	if (!q)
		return no_queue;
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

static const char *get_vring_base(struct vub_session *s)
{
	struct vub_queue *q = queue_at(s, s->payload.state.index);

	if (!q)
		return no_queue;
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

	*q = queue_at(s, s->payload.u64 & VUB_VRING_INDEX_MASK);
	if (!*q)
		return no_queue;
	if (s->fd_count != !none)
		return "a descriptor is missing, or there are too many";
	*fd = take_fd(s);
	return NULL;
}

static const char *set_vring_kick(struct vub_session *s)
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

static const char *set_vring_call(struct vub_session *s)
{
	struct vub_queue *q;
	int fd;
	const char *wrong = take_vring_fd(s, &q, &fd);

	if (!wrong)
		vub_queue_set_call(q, fd);
	return wrong;
}

static const char *set_vring_err(struct vub_session *s)
{
	struct vub_queue *q;
	int fd;
	const char *wrong = take_vring_fd(s, &q, &fd);

	if (!wrong)
		vub_queue_set_error(q, fd);
	return wrong;
}

static const char *set_vring_enable(struct vub_session *s)
{
	struct vub_queue *q = queue_at(s, s->payload.state.index);

	if (!q)
		return no_queue;
	if (s->payload.state.num > 1)
		return "a ring is enabled or not";
	q->enabled = s->payload.state.num;
	vub_session_update(s);
	return NULL;
}

/* -- configuration -----------------------------------------------------------
 */

static bool config_fits(const struct vub_session *s)
{
	const struct vub_config *c = &s->payload.config;

	return s->header.size >= VUB_CONFIG_HEAD && c->size &&
	       c->size <= s->header.size - VUB_CONFIG_HEAD &&
	       c->size <= VUB_CONFIG_MAX &&
	       c->offset <= VUB_CONFIG_MAX - c->size;
}

/* of size 0, if it was asked for what is not there */
static const char *get_config(struct vub_session *s)
{
	struct vub_config *c = &s->payload.config;
	uint8_t all[VUB_CONFIG_MAX] = {0};
	struct virtio_blk_config config;

	s->reply_size = 0;
	if (!config_fits(s))
		return NULL;
	vub_device_config(s->device, s->cache, &config);
	memcpy(all, &config, sizeof(config));
	memcpy(c->bytes, all + c->offset, c->size);
	s->reply_size = VUB_CONFIG_HEAD + c->size;
	return NULL;
}

/* One byte may change: whether there is a cache. */
static const char *set_config(struct vub_session *s)
{
	const struct vub_config *c = &s->payload.config;
	uint32_t at = offsetof(struct virtio_blk_config, wce);

	if (!config_fits(s))
		return "a configuration that does not fit its message";
	if (at < c->offset || at >= c->offset + c->size ||
	    (c->flags == VUB_CONFIG_BY_GUEST && c->size != 1))
		return "this part of the configuration does not change";
	s->cache = c->bytes[at - c->offset] & 1;
	if (s->features & VIRTIO_BLK_CONFIG_WCE)
		atomic_store(&s->serving.durable, !s->cache);
	return NULL;
}

static const char *set_backend_req_fd(struct vub_session *s)
{
	if (s->backend_fd >= 0)
		close(s->backend_fd);
	s->backend_fd = take_fd(s);
	return NULL;
}

/* -- what is in flight -------------------------------------------------------
 */

static const char *check_inflight(const struct vub_session *s)
{
	const struct vub_inflight_area *a = &s->payload.inflight;

	for (unsigned i = 0; i < s->queue_count; i++)
		if (s->queues[i].started)
			return "a ring is in use already";
	if (!a->queues || a->queues > s->queue_count || !a->queue_size ||
	    a->queue_size > VUB_RING_MAX)
		return "an impossible number of queues or descriptors";
	return NULL;
}

/* each queue its part of the area, which is large enough */
static void share_inflight(struct vub_session *s, struct vub_map map,
			   const struct vub_inflight_area *a)
{
	size_t size = vub_inflight_size(a->queue_size);

	vub_map_close(&s->inflight);
	s->inflight = map;
	s->serving.survives = true;
	for (unsigned i = 0; i < s->queue_count; i++) {
		struct vub_inflight *f = &s->queues[i].inflight;

		f->area = i < a->queues ? (void *)(map.start + i * size) : NULL;
		f->room = a->queue_size;
	}
}

/* memory that the front end cannot cut */
static int new_area(uint64_t size)
{
	int fd = memfd_create("vhd-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (!ftruncate(fd, (off_t)size) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL))
		return fd;
	close(fd);
	return -1;
}

static const char *get_inflight_fd(struct vub_session *s)
{
	struct vub_inflight_area *a = &s->payload.inflight;
	const char *wrong = check_inflight(s);
	struct vub_map map = {0};
	size_t size;

	if (wrong)
		return wrong;
	size = vub_inflight_size(a->queue_size);
	a->offset = 0;
	a->size = size * a->queues;
	s->reply_fd = new_area(a->size);
	if (s->reply_fd < 0)
		return "no memory for what is in flight";
	wrong = vub_map_open(&map, s->reply_fd, 0, a->size);
	if (wrong) {
		close(s->reply_fd);
		s->reply_fd = -1;
		return wrong;
	}
	for (unsigned i = 0; i < a->queues; i++)
		vub_inflight_format(map.start + i * size, a->queue_size);
	share_inflight(s, map, a);
	s->reply_size = sizeof(*a);
	return NULL;
}

static const char *set_inflight_fd(struct vub_session *s)
{
	const struct vub_inflight_area a = s->payload.inflight;
	const char *wrong = check_inflight(s);
	struct vub_map map = {0};

	if (wrong)
		return wrong;
	if (a.offset % sizeof(uint64_t) ||
	    a.size < vub_inflight_size(a.queue_size) * a.queues)
		return "an area that is too small for what is in flight";
	wrong = vub_map_open(&map, s->fds[0], a.offset, a.size);
	if (wrong)
		return wrong;
	share_inflight(s, map, &a);
	return NULL;
}

/* -- which is which ----------------------------------------------------------
 */

static const struct kind {
	const char *(*handle)(struct vub_session *s);
	uint32_t size;    /* of the payload, at least */
	unsigned fds_min; /* that come along */
	unsigned fds_max;
	bool replies;
} kinds[VUB_REQUESTS] = {
	[VUB_GET_FEATURES] = {get_features, 0, 0, 0, true},
	[VUB_SET_FEATURES] = {set_features, 8, 0, 0, false},
	[VUB_SET_OWNER] = {nothing, 0, 0, 0, false},
	[VUB_RESET_OWNER] = {reset_owner, 0, 0, 0, false},
	[VUB_SET_MEM_TABLE] = {set_mem_table, 8, 0, VUB_FDS_MAX, false},
	[VUB_SET_LOG_BASE] = {set_log_base, 16, 1, 1, true},
	[VUB_SET_LOG_FD] = {nothing, 0, 0, 1, false},
	[VUB_SET_VRING_NUM] = {set_vring_num, 8, 0, 0, false},
	[VUB_SET_VRING_ADDR] = {set_vring_addr, 40, 0, 0, false},
	[VUB_SET_VRING_BASE] = {set_vring_base, 8, 0, 0, false},
	[VUB_GET_VRING_BASE] = {get_vring_base, 8, 0, 0, true},
	[VUB_SET_VRING_KICK] = {set_vring_kick, 8, 0, 1, false},
	[VUB_SET_VRING_CALL] = {set_vring_call, 8, 0, 1, false},
	[VUB_SET_VRING_ERR] = {set_vring_err, 8, 0, 1, false},
	[VUB_GET_PROTOCOL_FEATURES] = {get_protocol_features, 0, 0, 0, true},
	[VUB_SET_PROTOCOL_FEATURES] = {set_protocol_features, 8, 0, 0, false},
	[VUB_GET_QUEUE_NUM] = {get_queue_num, 0, 0, 0, true},
	[VUB_SET_VRING_ENABLE] = {set_vring_enable, 8, 0, 0, false},
	[VUB_SET_BACKEND_REQ_FD] = {set_backend_req_fd, 0, 1, 1, false},
	[VUB_GET_CONFIG] = {get_config, 0, 0, 0, true},
	[VUB_SET_CONFIG] = {set_config, VUB_CONFIG_HEAD, 0, 0, false},
	[VUB_GET_INFLIGHT_FD] = {get_inflight_fd, 20, 0, 0, true},
	[VUB_SET_INFLIGHT_FD] = {set_inflight_fd, 20, 1, 1, false},
	[VUB_RESET_DEVICE] = {reset_device, 0, 0, 0, false},
	[VUB_GET_MAX_MEM_SLOTS] = {get_max_mem_slots, 0, 0, 0, true},
	[VUB_ADD_MEM_REG] = {add_mem_reg, 40, 1, 1, false},
	[VUB_REM_MEM_REG] = {rem_mem_reg, 40, 0, 1, false},
};

bool vub_message_replies(uint32_t request)
{
	return request < VUB_REQUESTS && kinds[request].replies;
}

const char *vub_message_handle(struct vub_session *s)
{
	const struct kind *k;

	s->reply_size = 0;
	if ((s->header.flags & VUB_VERSION_MASK) != VUB_VERSION ||
	    (s->header.flags & VUB_REPLY))
		return "not of this version of the protocol";
	if (s->header.request >= VUB_REQUESTS ||
	    !kinds[s->header.request].handle)
		return "not known";
	k = &kinds[s->header.request];
	if (s->header.size < k->size)
		return "too short";
	if (s->fd_count < k->fds_min || s->fd_count > k->fds_max)
		return "a wrong number of descriptors";
	return k->handle(s);
}
