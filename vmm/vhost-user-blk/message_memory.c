/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages about memory: the guest's, the log of pages, what is in flight. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include <sys/mman.h>

#include "handlers.h"

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

const char *vub_on_set_mem_table(struct vub_session *s)
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

const char *vub_on_get_max_mem_slots(struct vub_session *s)
{
	return vub_reply_u64(s, VUB_REGIONS_MAX);
}

const char *vub_on_add_mem_reg(struct vub_session *s)
{
	const char *wrong;

	vub_session_pause(s);
	wrong = vub_guest_add(&s->guest, &s->payload.region.region, s->fds[0]);
	vub_session_update(s);
	return wrong;
}

const char *vub_on_rem_mem_reg(struct vub_session *s)
{
	const char *wrong;

	vub_session_pause(s);
	wrong = vub_guest_remove(&s->guest, &s->payload.region.region);
	vub_session_update(s);
	return wrong;
}

const char *vub_on_set_log_base(struct vub_session *s)
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
	return vub_reply_u64(s, 0);
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
	if (!TEMP_FAILURE_RETRY(ftruncate(fd, (off_t)size)) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL))
		return fd;
	close(fd);
	return -1;
}

const char *vub_on_get_inflight_fd(struct vub_session *s)
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

const char *vub_on_set_inflight_fd(struct vub_session *s)
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
