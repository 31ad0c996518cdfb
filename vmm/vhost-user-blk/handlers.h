/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each message does. A handler returns NULL, or what is wrong with the
 * message; then nothing has changed, or what it was about is gone.
 */
#ifndef VUB_HANDLERS_H
#define VUB_HANDLERS_H

#include "session.h"

/* The descriptor that came along, from here on the caller's; -1: none. */
int vub_take_fd(struct vub_session *session);
/* A reply of one number; NULL. */
const char *vub_reply_u64(struct vub_session *session, uint64_t value);
/* NULL if there is none; then vub_no_queue is what is wrong. */
struct vub_queue *vub_queue_at(struct vub_session *session, uint64_t index);
extern const char vub_no_queue[];

/* -- message_memory.c --------------------------------------------------------
 */

const char *vub_on_set_mem_table(struct vub_session *session);
const char *vub_on_get_max_mem_slots(struct vub_session *session);
const char *vub_on_add_mem_reg(struct vub_session *session);
const char *vub_on_rem_mem_reg(struct vub_session *session);
const char *vub_on_set_log_base(struct vub_session *session);
const char *vub_on_get_inflight_fd(struct vub_session *session);
const char *vub_on_set_inflight_fd(struct vub_session *session);

/* -- message_ring.c ----------------------------------------------------------
 */

const char *vub_on_set_vring_num(struct vub_session *session);
const char *vub_on_set_vring_addr(struct vub_session *session);
const char *vub_on_set_vring_base(struct vub_session *session);
const char *vub_on_get_vring_base(struct vub_session *session);
const char *vub_on_set_vring_kick(struct vub_session *session);
const char *vub_on_set_vring_call(struct vub_session *session);
const char *vub_on_set_vring_err(struct vub_session *session);
const char *vub_on_set_vring_enable(struct vub_session *session);

#endif
