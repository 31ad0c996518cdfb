/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of the front end: which there are, and those about features and
 * configuration. Rings that run are stopped around changes that they would see.
 */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "handlers.h"

#define PROTOCOL_FEATURES                                                      \
	(VUB_P_MQ | VUB_P_LOG_SHMFD | VUB_P_REPLY_ACK | VUB_P_BACKEND_REQ |    \
	 VUB_P_CONFIG | VUB_P_INFLIGHT_SHMFD | VUB_P_RESET_DEVICE |            \
	 VUB_P_MEM_SLOTS)

int vub_take_fd(struct vub_session *s)
{
	int fd = s->fd_count ? s->fds[0] : -1;

	if (fd >= 0)
		s->fds[0] = -1;
	return fd;
}

const char *vub_reply_u64(struct vub_session *s, uint64_t value)
{
	s->payload.u64 = value;
	s->reply_size = sizeof(value);
	return NULL;
}

struct vub_queue *vub_queue_at(struct vub_session *s, uint64_t index)
{
	return index < s->queue_count ? &s->queues[index] : NULL;
}

const char vub_no_queue[] = "no such queue";

/* -- features ----------------------------------------------------------------
 */

static const char *get_features(struct vub_session *s)
{
	return vub_reply_u64(s, vub_device_features(s->device));
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
	return vub_reply_u64(s, PROTOCOL_FEATURES);
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
	return vub_reply_u64(s, s->queue_count);
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
	s->backend_fd = vub_take_fd(s);
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
	[VUB_SET_MEM_TABLE] = {vub_on_set_mem_table, 8, 0, VUB_FDS_MAX, false},
	[VUB_SET_LOG_BASE] = {vub_on_set_log_base, 16, 1, 1, true},
	[VUB_SET_LOG_FD] = {nothing, 0, 0, 1, false},
	[VUB_SET_VRING_NUM] = {vub_on_set_vring_num, 8, 0, 0, false},
	[VUB_SET_VRING_ADDR] = {vub_on_set_vring_addr, 40, 0, 0, false},
	[VUB_SET_VRING_BASE] = {vub_on_set_vring_base, 8, 0, 0, false},
	[VUB_GET_VRING_BASE] = {vub_on_get_vring_base, 8, 0, 0, true},
	[VUB_SET_VRING_KICK] = {vub_on_set_vring_kick, 8, 0, 1, false},
	[VUB_SET_VRING_CALL] = {vub_on_set_vring_call, 8, 0, 1, false},
	[VUB_SET_VRING_ERR] = {vub_on_set_vring_err, 8, 0, 1, false},
	[VUB_GET_PROTOCOL_FEATURES] = {get_protocol_features, 0, 0, 0, true},
	[VUB_SET_PROTOCOL_FEATURES] = {set_protocol_features, 8, 0, 0, false},
	[VUB_GET_QUEUE_NUM] = {get_queue_num, 0, 0, 0, true},
	[VUB_SET_VRING_ENABLE] = {vub_on_set_vring_enable, 8, 0, 0, false},
	[VUB_SET_BACKEND_REQ_FD] = {set_backend_req_fd, 0, 1, 1, false},
	[VUB_GET_CONFIG] = {get_config, 0, 0, 0, true},
	[VUB_SET_CONFIG] = {set_config, VUB_CONFIG_HEAD, 0, 0, false},
	[VUB_GET_INFLIGHT_FD] = {vub_on_get_inflight_fd, 20, 0, 0, true},
	[VUB_SET_INFLIGHT_FD] = {vub_on_set_inflight_fd, 20, 1, 1, false},
	[VUB_RESET_DEVICE] = {reset_device, 0, 0, 0, false},
	[VUB_GET_MAX_MEM_SLOTS] = {vub_on_get_max_mem_slots, 0, 0, 0, true},
	[VUB_ADD_MEM_REG] = {vub_on_add_mem_reg, 40, 1, 1, false},
	[VUB_REM_MEM_REG] = {vub_on_rem_mem_reg, 40, 0, 1, false},
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
