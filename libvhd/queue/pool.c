/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that do what may wait. They are started when there is more to do than
 * there are threads without work, and stay. The descriptor is written when the
 * list of what has ended stops being empty.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "queue.h"

struct vhd_pool {
	struct vhd_disk *disk;
	int fd;
	unsigned room; /* for threads */
	pthread_t *threads;
	unsigned load; /* the queue's thread only */
	_Atomic bool signaled;
	/* under the mutex */
	pthread_mutex_t mutex;
	pthread_cond_t work;
	struct vhd_request_list waiting;
	struct vhd_request_list ended;
	unsigned count; /* threads */
	unsigned idle;  /* of them */
	bool stop;
};

/* with the mutex */
static void end_request(struct vhd_pool *p, struct vhd_request *r)
{
	const uint64_t one = 1;
	bool first = !p->ended.first;

	vhd_list_add(&p->ended, r);
	if (!first)
		return;
	/* cannot fail: the counter is far from full */
	(void)!write(p->fd, &one, sizeof(one));
	/* only now: who sees it finds something to read. The reverse would
	 * leave the descriptor readable, and nobody to know */
	atomic_store(&p->signaled, true);
}

static void *run(void *ctx)
{
	struct vhd_pool *p = ctx;
	struct vhd_request *r;

	pthread_mutex_lock(&p->mutex);
	while (!p->stop) {
		r = vhd_list_take(&p->waiting);
		if (!r) {
			p->idle++;
			pthread_cond_wait(&p->work, &p->mutex);
			p->idle--;
			continue;
		}
		pthread_mutex_unlock(&p->mutex);
		r->result = vhd_request_perform(p->disk, r);
		pthread_mutex_lock(&p->mutex);
		end_request(p, r);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

/* with the mutex; without a thread more, those that are there do it */
static bool start_thread(struct vhd_pool *p)
{
	if (p->count == p->room ||
	    pthread_create(&p->threads[p->count], NULL, run, p))
		return false;
	p->count++;
	return true;
}

int vhd_pool_new(struct vhd_disk *disk, unsigned threads, struct vhd_pool **out)
{
	struct vhd_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return VHD_E_NOMEM;
	p->disk = disk;
	p->room = threads;
	p->threads = calloc(threads, sizeof(*p->threads));
	p->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->work, NULL);
	vhd_list_init(&p->waiting);
	vhd_list_init(&p->ended);
	/* one is there always, so that nothing given can be left lying */
	if (!p->threads || p->fd < 0 || !start_thread(p)) {
		vhd_pool_free(p);
		return VHD_E_NOMEM;
	}
	*out = p;
	return 0;
}

void vhd_pool_free(struct vhd_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->mutex);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->mutex);
	for (unsigned i = 0; i < p->count; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->mutex);
	if (p->fd >= 0)
		close(p->fd);
	free(p->threads);
	free(p);
}

void vhd_pool_give(struct vhd_pool *p, struct vhd_request_list *list)
{
	unsigned given = 0, busy;

	if (!list->first)
		return;
	for (struct vhd_request *r = list->first; r; r = r->next)
		given++;
	p->load += given;
	pthread_mutex_lock(&p->mutex);
	vhd_list_join(&p->waiting, list);
	for (busy = p->idle; busy < given && start_thread(p); busy++)
		;
	if (given == 1)
		pthread_cond_signal(&p->work);
	else
		pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->mutex);
}

void vhd_pool_collect(struct vhd_pool *p, struct vhd_request_list *done)
{
	struct vhd_request_list list;

	vhd_list_init(&list);
	pthread_mutex_lock(&p->mutex);
	vhd_list_join(&list, &p->ended);
	pthread_mutex_unlock(&p->mutex);
	for (struct vhd_request *r = list.first; r; r = r->next)
		p->load--;
	vhd_list_join(done, &list);
}

void vhd_pool_take_back(struct vhd_pool *p, struct vhd_request_list *out)
{
	struct vhd_request_list list;

	vhd_list_init(&list);
	pthread_mutex_lock(&p->mutex);
	vhd_list_join(&list, &p->waiting);
	pthread_mutex_unlock(&p->mutex);
	for (struct vhd_request *r = list.first; r; r = r->next)
		p->load--;
	vhd_list_join(out, &list);
}

unsigned vhd_pool_load(const struct vhd_pool *p)
{
	return p->load;
}

int vhd_pool_fd(const struct vhd_pool *p)
{
	return p->fd;
}

void vhd_pool_calm(struct vhd_pool *p)
{
	uint64_t count;

	/* a system call only if there is something to read */
	if (atomic_exchange(&p->signaled, false))
		(void)!read(p->fd, &count, sizeof(count));
}
