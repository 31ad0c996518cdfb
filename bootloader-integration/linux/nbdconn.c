/* SPDX-License-Identifier: BSD-2-Clause */
#include "nbdconn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* completions taken at a time */
#define BATCH 32

int nbd_connection_open(struct nbd_connection *c, struct vhd_disk *disk, int fd,
			struct vhd_diag *diag)
{
	const struct vhd_queue_options options = {
		.size = sizeof(options),
		.depth = NBDCONN_SLOTS,
	};

	*c = (struct nbd_connection){.disk = disk, .fd = fd};
	/* whole pages, for direct I/O and for the processor's copying */
	if (posix_memalign((void **)&c->memory, 4096,
			   NBDCONN_SLOTS * NBDCONN_BUFFER))
		return VHD_E_NOMEM;
	for (size_t i = 0; i < NBDCONN_SLOTS; i++) {
		c->slots[i].buffer = c->memory + i * NBDCONN_BUFFER;
		c->slots[i].next = c->free;
		c->free = &c->slots[i];
	}
	return vhd_queue_open(disk, &options, &c->queue, diag);
}

void nbd_connection_close(struct nbd_connection *c)
{
	if (c->queue)
		vhd_queue_close(c->queue);
	free(c->memory);
	if (c->fd >= 0)
		close(c->fd);
}

/* -- the socket --------------------------------------------------------------
 */

static void end(struct nbd_connection *c)
{
	c->ended = true;
	/* the kernel sees at once that nobody answers any more */
	shutdown(c->fd, SHUT_RDWR);
}

/* False: the other end is gone. */
static bool receive(struct nbd_connection *c, void *buf, size_t length)
{
	unsigned char *at = buf;

	while (length) {
		ssize_t n = recv(c->fd, at, length, MSG_WAITALL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			end(c);
			return false;
		}
		at += n;
		length -= (size_t)n;
	}
	return true;
}

static bool send_all(struct nbd_connection *c, const void *buf, size_t length,
		     int flags)
{
	const unsigned char *at = buf;

	while (length) {
		ssize_t n = send(c->fd, at, length, flags | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			end(c);
			return false;
		}
		at += n;
		length -= (size_t)n;
	}
	return true;
}

/* A reply, and the bytes that a successful read has. */
static bool reply(struct nbd_connection *c, const struct nbdwire_request *r,
		  int error, const void *data, size_t length)
{
	unsigned char head[NBDWIRE_REPLY_SIZE];
	bool more = !error && length;

	nbdwire_write_reply(head, r->cookie, nbdwire_error(error));
	if (!send_all(c, head, sizeof(head), more ? MSG_MORE : 0))
		return false;
	return !more || send_all(c, data, length, 0);
}

/* -- slots -------------------------------------------------------------------
 */

static struct nbd_slot *take_slot(struct nbd_connection *c)
{
	struct nbd_slot *slot = c->free;

	c->free = slot->next;
	return slot;
}

static void give_slot(struct nbd_connection *c, struct nbd_slot *slot)
{
	slot->next = c->free;
	c->free = slot;
}

static void answer(struct nbd_connection *c, struct nbd_slot *slot, int error)
{
	bool data = slot->request.type == NBDWIRE_READ;

	/* when it has ended there is nobody to answer */
	if (!c->ended)
		reply(c, &slot->request, error, slot->buffer,
		      data ? slot->request.length : 0);
	give_slot(c, slot);
}

/* -- requests larger than a slot ---------------------------------------------
 *
 * Only if somebody has told the kernel to make them (max_sectors_kb). They are
 * done one piece after the other while all else waits.
 */

static void read_large(struct nbd_connection *c, const struct nbd_slot *slot)
{
	const struct nbdwire_request *r = &slot->request;
	uint32_t done = 0;
	int rc = 0;

	while (!rc && !c->ended && done < r->length) {
		size_t n = r->length - done;

		if (n > NBDCONN_BUFFER)
			n = NBDCONN_BUFFER;
		rc = vhd_disk_read(c->disk, r->offset + done, slot->buffer, n,
				   NULL);
		if (!done)
			reply(c, r, rc, slot->buffer, n);
		else if (rc)
			end(c); /* there is no other way to say it any more */
		else
			send_all(c, slot->buffer, n, 0);
		done += (uint32_t)n;
	}
}

static void write_large(struct nbd_connection *c, const struct nbd_slot *slot)
{
	const struct nbdwire_request *r = &slot->request;
	uint32_t done = 0;
	int rc = 0;

	while (done < r->length) {
		size_t n = r->length - done;

		if (n > NBDCONN_BUFFER)
			n = NBDCONN_BUFFER;
		if (!receive(c, slot->buffer, n))
			return;
		if (!rc)
			rc = vhd_disk_write(c->disk, r->offset + done,
					    slot->buffer, n, NULL);
		done += (uint32_t)n;
	}
	if (!rc && (r->flags & NBDWIRE_FUA))
		rc = vhd_disk_flush(c->disk, NULL);
	reply(c, r, rc, NULL, 0);
}

/* -- requests ----------------------------------------------------------------
 */

static int give(struct nbd_connection *c, struct nbd_slot *slot)
{
	const struct nbdwire_request *r = &slot->request;
	uint32_t flags = 0;

	if (r->flags & NBDWIRE_FUA)
		flags |= VHD_REQUEST_FUA;
	if (r->flags & NBDWIRE_NO_HOLE)
		flags |= VHD_REQUEST_NO_UNMAP;
	switch (r->type) {
	case NBDWIRE_READ:
		return vhd_queue_read(c->queue, r->offset, slot->buffer,
				      r->length, slot, 0);
	case NBDWIRE_WRITE:
		return vhd_queue_write(c->queue, r->offset, slot->buffer,
				       r->length, slot,
				       flags & VHD_REQUEST_FUA);
	case NBDWIRE_FLUSH:
		return vhd_queue_flush(c->queue, slot, 0);
	case NBDWIRE_TRIM:
		return vhd_queue_discard(c->queue, r->offset, r->length, slot,
					 0);
	case NBDWIRE_WRITE_ZEROES:
		return vhd_queue_zero(c->queue, r->offset, r->length, slot,
				      flags);
	default:
		return VHD_E_UNSUPPORTED;
	}
}

/* With its header read: reads what belongs to it, and begins it. */
static void take_request(struct nbd_connection *c, struct nbd_slot *slot)
{
	const struct nbdwire_request *r = &slot->request;
	bool write = r->type == NBDWIRE_WRITE;
	int rc;

	if ((write || r->type == NBDWIRE_READ) && r->length > NBDCONN_BUFFER) {
		if (write)
			write_large(c, slot);
		else
			read_large(c, slot);
		give_slot(c, slot);
		return;
	}
	if (write && !receive(c, slot->buffer, r->length)) {
		give_slot(c, slot);
		return;
	}
	rc = give(c, slot);
	if (rc)
		answer(c, slot, rc);
}

/* The next header, if one has come. */
static bool next_header(struct nbd_connection *c, unsigned char *head)
{
	ssize_t n;

	do
		n = recv(c->fd, head, NBDWIRE_REQUEST_SIZE, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		end(c);
		return false;
	}
	return receive(c, head + n, NBDWIRE_REQUEST_SIZE - (size_t)n);
}

/* Whatever has come, as far as there are slots. */
static void take_requests(struct nbd_connection *c)
{
	unsigned char head[NBDWIRE_REQUEST_SIZE];

	while (!c->ended && c->free && next_header(c, head)) {
		struct nbd_slot *slot = take_slot(c);

		if (nbdwire_read_request(head, &slot->request) ||
		    slot->request.type == NBDWIRE_DISC) {
			give_slot(c, slot);
			end(c);
		} else {
			take_request(c, slot);
		}
	}
	vhd_queue_submit(c->queue);
}

static void take_completions(struct nbd_connection *c)
{
	struct vhd_completion done[BATCH];
	unsigned n;

	while ((n = vhd_queue_poll(c->queue, done, BATCH)) > 0)
		for (unsigned i = 0; i < n; i++)
			answer(c, done[i].user_data, done[i].result);
}

void nbd_connection_run(struct nbd_connection *c)
{
	while (!c->ended || vhd_queue_in_flight(c->queue)) {
		bool listen = !c->ended && c->free;
		struct pollfd fds[] = {
			{.fd = vhd_queue_fd(c->queue), .events = POLLIN},
			{.fd = listen ? c->fd : -1, .events = POLLIN},
		};

		if (poll(fds, 2, -1) < 0)
			continue; /* interrupted */
		if (fds[1].revents)
			take_requests(c);
		if (fds[0].revents)
			take_completions(c);
	}
}
