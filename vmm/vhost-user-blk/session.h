/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection of a front end, and all that it has set up: features, memory,
 * rings. It ends with the connection. A front end that breaks the protocol is
 * told so if it wanted a reply, and else disconnected.
 */
#ifndef VUB_SESSION_H
#define VUB_SESSION_H

#include <stdbool.h>

#include "device.h"
#include "guest.h"
#include "proto.h"

#define VUB_FDS_MAX 8u

struct vub_session {
	struct vub_device *device;
	struct vub_source source;
	/* the message that is coming in, and later its reply */
	struct vub_header header;
	union vub_payload payload;
	size_t got; /* bytes of both */
	int fds[VUB_FDS_MAX];
	unsigned fd_count;
	uint32_t reply_size;
	int reply_fd; /* closed when it was sent; -1: none */
	/* what was set up */
	uint64_t features;
	uint64_t protocol;
	bool cache; /* the guest wants one, by SET_CONFIG */
	int backend_fd;
	uint64_t guard_hits; /* when it began */
	struct vub_guest guest;
	struct vub_dirty dirty;
	struct vub_map inflight;
	struct vub_serving serving;
	unsigned queue_count;
	struct vub_queue queues[];
};

/* Takes over `fd`. NULL: it was closed. */
struct vub_session *vub_session_new(struct vub_device *device, int fd);
/* Waits for what is in flight; requests that wait for space are not ended. */
void vub_session_end(struct vub_session *session);

/* Stops all threads, to start again with vub_session_update(). */
void vub_session_pause(struct vub_session *session);
/* Starts and stops what is to run now; asks for the disk, or lets it go. */
void vub_session_update(struct vub_session *session);

/* Tells the guest, by way of the front end, to read its configuration. */
void vub_session_config_changed(struct vub_session *session);

/* What follows for requests from the features and settings; paused. */
void vub_session_apply(struct vub_session *session);

/* message.c: a message that is complete. NULL, or what is wrong with it. */
const char *vub_message_handle(struct vub_session *session);
/* Does the front end get a reply of the request's own? */
bool vub_message_replies(uint32_t request);

#endif
