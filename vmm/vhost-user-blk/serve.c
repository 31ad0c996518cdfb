/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests on their way: from the ring to the disk, back, and, where the host
 * is full, into the list of those that wait for space. A request that waits
 * holds up no other.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "queue.h"

#define BATCH        64u
#define NOW_MAX      65536u
#define RETRY_MIN_MS 100u
#define RETRY_MAX_MS 2000u

/* -- lists -------------------------------------------------------------------
 */

static void list_init(struct vub_request_queue *list)
{
	*list = (struct vub_request_queue){.last = &list->first};
}

static void list_add(struct vub_request_queue *list, struct vub_request *r)
{
	r->next = NULL;
	*list->last = r;
	list->last = &r->next;
	list->count++;
}

static struct vub_request *list_take(struct vub_request_queue *list)
{
	struct vub_request *r = list->first;

	if (!r)
		return NULL;
	list->first = r->next;
	list->count--;
	if (!list->first)
		list->last = &list->first;
	return r;
}

/* -- life --------------------------------------------------------------------
 */

int vub_serve_begin(struct vub_queue *q)
{
	list_init(&q->backlog);
	list_init(&q->waiting);
	q->batch_count = 0;
	q->retry_ms = RETRY_MIN_MS;
	q->requests = calloc(q->ring.num, sizeof(*q->requests));
	q->batch = calloc(q->ring.num, sizeof(*q->batch));
	q->chain = malloc(sizeof(*q->chain));
	return q->requests && q->batch && q->chain ? 0 : VHD_E_NOMEM;
}

static void put_left(struct vub_queue *q, struct vub_request_queue *list)
{
	struct vub_request *r;

	while ((r = list_take(list))) {
		q->left[q->left_count++] = r->head;
		vub_request_drop(r);
	}
}

void vub_serve_end(struct vub_queue *q)
{
	if (q->requests && q->left) {
		put_left(q, &q->waiting);
		put_left(q, &q->backlog);
	}
	atomic_store(&q->wait_count, 0);
	free(q->requests);
	free(q->batch);
	free(q->chain);
	q->requests = NULL;
	q->batch = NULL;
	q->chain = NULL;
}

void vub_serve_break(struct vub_queue *q, const char *why)
{
	if (vub_queue_break(q, why))
		vub_serve_tell_broken(q);
}

/* Writing to what the front end gave us may hang: queue.c knows. */
void vub_serve_tell_broken(struct vub_queue *q)
{
	const uint64_t one = 1;

	(void)!write(q->error, &one, sizeof(one));
}

void vub_serve_tell(struct vub_queue *q)
{
	const uint64_t one = 1;

	(void)!write(q->call, &one, sizeof(one));
}

/* -- using -------------------------------------------------------------------
 */

static void use(struct vub_queue *q, struct vub_request *r, uint8_t status)
{
	struct vub_serving *s = q->serving;

	if (r->status)
		*r->status = status;
	if (s->dirty)
		vub_request_mark(r, s->guest, s->dirty);
	vub_inflight_use(&q->inflight, r->head);
	vub_ring_fill(&q->ring, r->head, vub_request_written(r, status));
	q->batch[q->batch_count++] = r->head;
	vub_request_drop(r);
}

/* shows the guest what was used */
static void publish(struct vub_queue *q)
{
	if (!q->batch_count)
		return;
	vub_ring_publish(&q->ring);
	vub_inflight_published(&q->inflight, q->batch, q->batch_count,
			       q->ring.used_idx);
	q->batch_count = 0;
	if (vub_ring_tells(&q->ring))
		vub_serve_tell(q);
}

/* -- taking ------------------------------------------------------------------
 */

static uint32_t flags_for(const struct vub_serving *s)
{
	return (atomic_load(&s->durable) ? VHD_REQUEST_FUA : 0) |
	       (s->survives ? VHD_REQUEST_SURVIVES : 0);
}

static void submit(struct vub_queue *q, struct vub_request *r)
{
	vub_request_submit(r, q->queue, flags_for(q->serving));
	if (!r->pending) /* refused, which the room made impossible */
		use(q, r, VIRTIO_BLK_S_IOERR);
}

static bool has_room(const struct vub_queue *q, const struct vub_request *r)
{
	return vhd_queue_in_flight(q->queue) + vub_request_parts(r) <= q->depth;
}

void vub_serve_backlog(struct vub_queue *q)
{
	while (q->backlog.first && has_room(q, q->backlog.first))
		submit(q, list_take(&q->backlog));
	publish(q);
}

static bool is_settled(const struct vub_serving *s)
{
	return !s->survives || vhd_disk_is_settled(s->target.disk);
}

/*
 * The kernel gives a write into its page cache to a thread of its own, which
 * takes many times as long as the write. So a small one that nobody else waits
 * for is done here, if it changes nothing but stored data.
 */
static bool write_now(struct vub_queue *q, struct vub_request *r)
{
	struct vub_serving *s = q->serving;

	if (r->type != VIRTIO_BLK_T_OUT || r->length > NOW_MAX ||
	    vhd_queue_in_flight(q->queue) || vub_ring_waiting(&q->ring) ||
	    atomic_load(&s->durable) || !is_settled(s) ||
	    vub_request_changes(r, &s->target))
		return false;
	/* Whatever goes wrong, the queue will find it, too. The block may have
	 * been let go of in between. */
	if (vub_request_write(r, &s->target) || !is_settled(s))
		return false;
	use(q, r, VIRTIO_BLK_S_OK);
	return true;
}

/* a chain that is no request is used at once, as far as its rules go */
static void begin(struct vub_queue *q, struct vub_request *r)
{
	struct vub_serving *s = q->serving;
	const char *wrong;
	int status = VIRTIO_BLK_S_IOERR;

	wrong = vub_chain_read(q->chain, &q->ring, s->guest, s->indirect,
			       r->head);
	if (!wrong)
		status = vub_request_read(r, q->chain, &s->target, &wrong);
	if (status >= 0)
		use(q, r, (uint8_t)status);
	else if (!q->backlog.first && write_now(q, r))
		return;
	else if (!q->backlog.first && has_room(q, r))
		submit(q, r);
	else
		list_add(&q->backlog, r);
}

static struct vub_request *claim(struct vub_queue *q, uint16_t head)
{
	struct vub_request *r;

	if (head >= q->ring.num) {
		vub_serve_break(q, "a head that is no descriptor");
		return NULL;
	}
	r = &q->requests[head];
	if (r->busy) {
		vub_serve_break(q, "a head that is in flight already");
		return NULL;
	}
	r->busy = true;
	r->head = head;
	r->type = UINT32_MAX;
	return r;
}

unsigned vub_serve_take(struct vub_queue *q)
{
	unsigned taken = 0;
	int waiting;

	/* no more than can be begun */
	if (q->backlog.first)
		return 0;
	waiting = vub_ring_waiting(&q->ring);
	if (waiting < 0)
		vub_serve_break(q, "an impossible index of what is available");
	for (; waiting > 0 && !q->backlog.first; waiting--, taken++) {
		struct vub_request *r = claim(q, vub_ring_take(&q->ring));

		if (!r)
			break;
		vub_inflight_take(&q->inflight, r->head);
		begin(q, r);
	}
	publish(q);
	return taken;
}

/* these were taken already, and are marked */
void vub_serve_left(struct vub_queue *q)
{
	unsigned count = q->left_count;

	q->left_count = 0;
	for (unsigned i = 0; i < count; i++) {
		struct vub_request *r = claim(q, q->left[i]);

		if (!r)
			return;
		begin(q, r);
	}
	publish(q);
}

/* -- ending ------------------------------------------------------------------
 */

static bool waits(const struct vub_queue *q, const struct vub_request *r)
{
	return r->result == VHD_E_NOSPACE &&
	       q->serving->on_full != VUB_FULL_REPORT &&
	       !atomic_load(&q->fail_waiting);
}

static void end(struct vub_queue *q, const struct vhd_completion *c)
{
	struct vub_request *r = c->user_data;

	if (c->result && !r->result)
		r->result = c->result;
	if (--r->pending)
		return;
	if (!r->result && r->type == VIRTIO_BLK_T_OUT)
		q->retry_ms = RETRY_MIN_MS;
	if (!waits(q, r)) {
		use(q, r, vub_request_status(r->result));
		return;
	}
	if (!q->waiting.first && q->retry_ms == RETRY_MIN_MS)
		diag_warning(q->serving->name,
			     "the host has no space: requests wait");
	list_add(&q->waiting, r);
	atomic_store(&q->wait_count, q->waiting.count);
}

static unsigned end_all(struct vub_queue *q, const struct vhd_completion *done,
			unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		end(q, &done[i]);
	if (count)
		vub_serve_backlog(q);
	return count;
}

unsigned vub_serve_reap(struct vub_queue *q, int timeout_ms)
{
	struct vhd_completion done[BATCH];

	return end_all(q, done,
		       vhd_queue_wait(q->queue, done, 1, BATCH, timeout_ms));
}

unsigned vub_serve_quiet(struct vub_queue *q)
{
	struct vhd_completion done[BATCH];

	return end_all(q, done, vhd_queue_poll(q->queue, done, BATCH));
}

void vub_serve_waiting(struct vub_queue *q, bool fail)
{
	unsigned count = q->waiting.count;

	/* those that fail again come to the end of the list */
	while (count--) {
		struct vub_request *r = list_take(&q->waiting);

		if (fail)
			use(q, r, VIRTIO_BLK_S_IOERR);
		else
			list_add(&q->backlog, r);
	}
	atomic_store(&q->wait_count, q->waiting.count);
	q->retry_ms =
		q->retry_ms * 2 < RETRY_MAX_MS ? q->retry_ms * 2 : RETRY_MAX_MS;
	vub_serve_backlog(q);
}
