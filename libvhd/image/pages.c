/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set-associative cache that is read without locks.
 *
 * Each slot is a sequence lock: the sequence is odd while the slot is being
 * changed, and a reader that sees another sequence after copying than before
 * starts over. The words of a page are atomics, so a torn copy is possible but
 * no data race; the copy is thrown away. Order: a reader's loads of words
 * are acquire loads, so the second look at the sequence cannot pass them; a
 * writer's stores of words are release stores, so none can pass the odd
 * sequence.
 *
 * A miss takes the mutex of its stripe, reads the page and replaces the slot
 * of the set that was not used for longest (one bit a slot, "second chance").
 * A hit takes nothing. Page memory is never freed before the cache, so a
 * reader may look at a slot at any time.
 */
#include "pages.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"

#define WAYS    4u
#define STRIPES 16u
#define NO_PAGE 0u

struct slot {
	/* under the stripe's mutex: reasons not to reuse the slot */
	uint32_t pins;  /* users that will change it */
	bool dirty;     /* changed since the last snapshot */
	bool unsettled; /* in a snapshot that is not home yet */
	/* read without locks */
	_Atomic uint64_t tag;
	_Atomic uint32_t sequence;
	_Atomic uint32_t used;
	_Atomic(uint64_t) *_Atomic words;
};

struct vhd_pages {
	struct vhd_window window; /* first: the mapper hands it back */
	struct vhd_window memory; /* second, likewise */
	struct vhd_file *file;
	_Atomic uint64_t file_size;
	unsigned shift;
	uint32_t sets; /* a power of two */
	/* under the writer's mutex */
	uint32_t held;  /* slots that must stay: is_held() */
	uint32_t dirty; /* of these */
	struct slot *slots;
	pthread_mutex_t stripes[STRIPES];
};

/*
 * What marks a slot. An image has up to 8192, and few are ever used: fresh
 * memory, which is zero, says that there is no page and need not be touched.
 */
static uint64_t tag_of(uint64_t page)
{
	return page + 1;
}

static uint32_t set_of(const struct vhd_pages *p, uint64_t page)
{
	uint64_t hash = page * 0x9E3779B97F4A7C15u;

	return (uint32_t)(hash >> 40) & (p->sets - 1);
}

/* copies bytes out of a page's words */
static void copy_words(_Atomic(uint64_t) *words, size_t at, uint8_t *out,
		       size_t len)
{
	while (len) {
		uint64_t word = atomic_load_explicit(&words[at / 8],
						     memory_order_acquire);
		size_t skip = at % 8, n = vhd_min(8 - skip, len);

		memcpy(out, (const uint8_t *)&word + skip, n);
		at += n;
		out += n;
		len -= n;
	}
}

/* one attempt on one slot; false if it holds another page or was changing */
static bool try_slot(struct slot *s, uint64_t page, size_t at, uint8_t *out,
		     size_t len)
{
	uint32_t before, after;

	before = atomic_load_explicit(&s->sequence, memory_order_acquire);
	if ((before & 1) ||
	    atomic_load_explicit(&s->tag, memory_order_acquire) != tag_of(page))
		return false;
	copy_words(atomic_load_explicit(&s->words, memory_order_acquire), at,
		   out, len);
	after = atomic_load_explicit(&s->sequence, memory_order_relaxed);
	if (after != before)
		return false;
	if (!atomic_load_explicit(&s->used, memory_order_relaxed))
		atomic_store_explicit(&s->used, 1, memory_order_relaxed);
	return true;
}

static bool try_set(struct vhd_pages *p, uint64_t page, size_t at, uint8_t *out,
		    size_t len)
{
	struct slot *set = &p->slots[set_of(p, page) * WAYS];

	for (unsigned way = 0; way < WAYS; way++)
		if (try_slot(&set[way], page, at, out, len))
			return true;
	return false;
}

static bool is_held(const struct slot *s)
{
	return s->pins || s->dirty || s->unsettled;
}

/*
 * Under the stripe's mutex: a free slot, or one not used since last asked, or
 * any that is not held; NULL if all are.
 */
static struct slot *choose_victim(struct slot *set)
{
	struct slot *any = NULL;

	for (unsigned way = 0; way < WAYS; way++)
		if (atomic_load_explicit(&set[way].tag, memory_order_relaxed) ==
		    NO_PAGE)
			return &set[way];
	for (unsigned way = 0; way < WAYS; way++) {
		if (is_held(&set[way]))
			continue;
		if (!atomic_exchange_explicit(&set[way].used, 0,
					      memory_order_relaxed))
			return &set[way];
		any = &set[way];
	}
	return any;
}

static int give_memory(const struct vhd_pages *p, struct slot *s)
{
	size_t words = ((size_t)1 << p->shift) / 8;
	_Atomic(uint64_t) *memory;

	if (atomic_load_explicit(&s->words, memory_order_relaxed))
		return 0;
	memory = calloc(words, sizeof(*memory));
	if (!memory)
		return VHD_E_NOMEM;
	atomic_store_explicit(&s->words, memory, memory_order_release);
	return 0;
}

static void publish(const struct vhd_pages *p, struct slot *s, uint64_t page,
		    const uint8_t *bytes)
{
	_Atomic(uint64_t) *words =
		atomic_load_explicit(&s->words, memory_order_relaxed);
	uint32_t sequence =
		atomic_load_explicit(&s->sequence, memory_order_relaxed);

	atomic_store_explicit(&s->sequence, sequence + 1, memory_order_relaxed);
	atomic_store_explicit(&s->tag, tag_of(page), memory_order_release);
	for (size_t i = 0; i < ((size_t)1 << p->shift) / 8; i++) {
		uint64_t word;

		memcpy(&word, bytes + i * 8, 8);
		atomic_store_explicit(&words[i], word, memory_order_release);
	}
	atomic_store_explicit(&s->used, 1, memory_order_relaxed);
	atomic_store_explicit(&s->sequence, sequence + 2, memory_order_release);
}

static int read_page(const struct vhd_pages *p, uint64_t page, uint8_t *bytes)
{
	size_t size = (size_t)1 << p->shift;
	uint64_t at = page << p->shift;
	uint64_t end =
		atomic_load_explicit(&p->file_size, memory_order_relaxed);
	size_t have = at < end ? (size_t)vhd_min(size, end - at) : 0;

	memset(bytes + have, 0, size - have);
	return have ? vhd_file_read(p->file, at, bytes, have) : VHD_E_CORRUPT;
}

/* reads the page, serves the caller from it, and keeps it */
static int miss(struct vhd_pages *p, uint64_t page, size_t at, uint8_t *out,
		size_t len)
{
	uint32_t set = set_of(p, page);
	pthread_mutex_t *mutex = &p->stripes[set % STRIPES];
	uint8_t bytes[VHD_WINDOW_PAGE];
	struct slot *s;
	int rc = 0;

	pthread_mutex_lock(mutex);
	if (try_set(p, page, at, out, len)) /* another thread was faster */
		goto unlock;
	rc = read_page(p, page, bytes);
	if (rc)
		goto unlock;
	memcpy(out, bytes + at, len);
	s = choose_victim(&p->slots[set * WAYS]);
	if (s && !give_memory(p, s)) /* without memory it is just not kept */
		publish(p, s, page, bytes);
unlock:
	pthread_mutex_unlock(mutex);
	return rc;
}

static int load(struct vhd_window *window, uint64_t offset, void *buf,
		size_t len)
{
	struct vhd_pages *p = (struct vhd_pages *)(void *)window;
	uint8_t *out = buf;
	int rc = 0;

	while (len && !rc) {
		uint64_t page = offset >> p->shift;
		size_t at = (size_t)(offset - (page << p->shift));
		size_t n = vhd_min(((size_t)1 << p->shift) - at, len);

		if (!try_set(p, page, at, out, n))
			rc = miss(p, page, at, out, n);
		offset += n;
		out += n;
		len -= n;
	}
	return rc;
}

static int load_from_memory(struct vhd_window *window, uint64_t offset,
			    void *buf, size_t len)
{
	struct vhd_pages *p = (struct vhd_pages *)(void *)(window - 1);
	uint64_t page = offset >> p->shift;
	uint8_t *out = buf;

	while (len) {
		size_t at = (size_t)(offset - (page << p->shift));
		size_t n = vhd_min(((size_t)1 << p->shift) - at, len);

		if (!try_set(p, page, at, out, n))
			return VHD_NOT_IN_MEMORY;
		offset += n;
		out += n;
		len -= n;
		page++;
	}
	return 0;
}

int vhd_pages_new(struct vhd_file *file, unsigned page_shift,
		  struct vhd_pages **out)
{
	struct vhd_pages *p = calloc(1, sizeof(*p));
	uint32_t slots = (uint32_t)(VHD_PAGES_BYTES_MAX >> page_shift);
	uint64_t size;
	int rc;

	if (!p)
		return VHD_E_NOMEM;
	rc = vhd_file_size(file, &size);
	if (rc)
		goto fail;
	atomic_init(&p->file_size, size);
	p->window.load = load;
	p->memory.load = load_from_memory;
	p->file = file;
	p->shift = page_shift;
	p->sets = slots / WAYS;
	p->slots = calloc(slots, sizeof(*p->slots));
	rc = VHD_E_NOMEM;
	if (!p->slots)
		goto fail;
	for (unsigned i = 0; i < STRIPES; i++)
		pthread_mutex_init(&p->stripes[i], NULL);
	*out = p;
	return 0;
fail:
	free(p);
	return rc;
}

void vhd_pages_free(struct vhd_pages *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->sets * WAYS; i++)
		free((void *)(uintptr_t)atomic_load(&p->slots[i].words));
	for (unsigned i = 0; i < STRIPES; i++)
		pthread_mutex_destroy(&p->stripes[i]);
	free(p->slots);
	free(p);
}

struct vhd_window *vhd_pages_window(struct vhd_pages *p)
{
	return &p->window;
}

struct vhd_window *vhd_pages_memory(struct vhd_pages *p)
{
	return &p->memory;
}

/* -- writing ----------------------------------------------------------------
 */

static pthread_mutex_t *stripe_of(struct vhd_pages *p, uint64_t page)
{
	return &p->stripes[set_of(p, page) % STRIPES];
}

/* under the stripe's mutex: the slot that holds a page, or NULL */
static struct slot *find_slot(struct vhd_pages *p, uint64_t page)
{
	struct slot *set = &p->slots[set_of(p, page) * WAYS];

	for (unsigned way = 0; way < WAYS; way++)
		if (atomic_load_explicit(&set[way].tag, memory_order_relaxed) ==
		    tag_of(page))
			return &set[way];
	return NULL;
}

/* under the stripe's mutex: the same, read from the file if need be */
static int bring_slot(struct vhd_pages *p, uint64_t page, struct slot **out)
{
	uint8_t bytes[VHD_WINDOW_PAGE];
	int rc;

	*out = find_slot(p, page);
	if (*out)
		return 0;
	*out = choose_victim(&p->slots[set_of(p, page) * WAYS]);
	if (!*out)
		return VHD_E_LIMIT;
	rc = read_page(p, page, bytes);
	if (!rc)
		rc = give_memory(p, *out);
	if (!rc)
		publish(p, *out, page, bytes);
	return rc;
}

static int pin_page(struct vhd_pages *p, uint64_t page)
{
	pthread_mutex_t *mutex = stripe_of(p, page);
	struct slot *s;
	int rc;

	pthread_mutex_lock(mutex);
	rc = bring_slot(p, page, &s);
	if (!rc && !is_held(s) && p->held == VHD_PAGES_DIRTY_MAX)
		rc = VHD_E_LIMIT;
	if (!rc) {
		p->held += !is_held(s);
		s->pins++;
	}
	pthread_mutex_unlock(mutex);
	return rc;
}

static void unpin_page(struct vhd_pages *p, uint64_t page)
{
	pthread_mutex_t *mutex = stripe_of(p, page);
	struct slot *s;

	pthread_mutex_lock(mutex);
	s = find_slot(p, page);
	s->pins--;
	p->held -= !is_held(s);
	pthread_mutex_unlock(mutex);
}

int vhd_pages_pin(struct vhd_pages *p, uint64_t offset, uint64_t length)
{
	uint64_t first = offset >> p->shift;
	uint64_t last = (offset + length - 1) >> p->shift;

	for (uint64_t page = first; page <= last; page++) {
		int rc = pin_page(p, page);

		if (rc) {
			while (page-- > first)
				unpin_page(p, page);
			return rc;
		}
	}
	return 0;
}

void vhd_pages_unpin(struct vhd_pages *p, uint64_t offset, uint64_t length)
{
	uint64_t last = (offset + length - 1) >> p->shift;

	for (uint64_t page = offset >> p->shift; page <= last; page++)
		unpin_page(p, page);
}

/* changes a part of a slot in place; readers see the old or the new bytes */
static void change(struct slot *s, size_t at, const uint8_t *in, size_t len)
{
	_Atomic(uint64_t) *words =
		atomic_load_explicit(&s->words, memory_order_relaxed);
	uint32_t sequence =
		atomic_load_explicit(&s->sequence, memory_order_relaxed);

	atomic_store_explicit(&s->sequence, sequence + 1, memory_order_relaxed);
	while (len) {
		size_t skip = at % 8, n = vhd_min(8 - skip, len);
		uint64_t word = atomic_load_explicit(&words[at / 8],
						     memory_order_relaxed);

		memcpy((uint8_t *)&word + skip, in, n);
		atomic_store_explicit(&words[at / 8], word,
				      memory_order_release);
		at += n;
		in += n;
		len -= n;
	}
	atomic_store_explicit(&s->sequence, sequence + 2, memory_order_release);
}

void vhd_pages_store(struct vhd_pages *p, uint64_t offset, const void *buf,
		     size_t len)
{
	const uint8_t *in = buf;

	while (len) {
		uint64_t page = offset >> p->shift;
		size_t at = (size_t)(offset - (page << p->shift));
		size_t n = vhd_min(((size_t)1 << p->shift) - at, len);
		pthread_mutex_t *mutex = stripe_of(p, page);
		struct slot *s;

		pthread_mutex_lock(mutex);
		s = find_slot(p, page);
		change(s, at, in, n);
		p->dirty += !s->dirty;
		s->dirty = true;
		pthread_mutex_unlock(mutex);
		offset += n;
		in += n;
		len -= n;
	}
}

void vhd_pages_drop(struct vhd_pages *p, uint64_t offset, uint64_t length)
{
	uint64_t last = (offset + length - 1) >> p->shift;

	for (uint64_t page = offset >> p->shift; page <= last; page++) {
		pthread_mutex_t *mutex = stripe_of(p, page);
		struct slot *s;

		pthread_mutex_lock(mutex);
		s = find_slot(p, page);
		if (s && !is_held(s)) {
			uint32_t sequence = atomic_load_explicit(
				&s->sequence, memory_order_relaxed);

			atomic_store_explicit(&s->tag, NO_PAGE,
					      memory_order_release);
			atomic_store_explicit(&s->sequence, sequence + 2,
					      memory_order_release);
		}
		pthread_mutex_unlock(mutex);
	}
}

struct dirty {
	uint64_t page;
	struct slot *slot;
};

static int by_page(const void *a, const void *b)
{
	uint64_t x = ((const struct dirty *)a)->page;
	uint64_t y = ((const struct dirty *)b)->page;

	return (x > y) - (x < y);
}

static uint32_t find_dirty(struct vhd_pages *p, struct dirty *out)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < p->sets * WAYS; i++)
		if (p->slots[i].dirty)
			out[count++] = (struct dirty){
				atomic_load_explicit(&p->slots[i].tag,
						     memory_order_relaxed) -
					tag_of(0),
				&p->slots[i],
			};
	qsort(out, count, sizeof(*out), by_page);
	return count;
}

int vhd_pages_snapshot(struct vhd_pages *p, struct vhd_page_set *out)
{
	struct dirty dirty[VHD_PAGES_DIRTY_MAX];
	size_t size = (size_t)1 << p->shift;

	*out = (struct vhd_page_set){.page_size = size};
	if (!p->dirty)
		return 0;
	out->data = malloc(VHD_PAGES_DIRTY_MAX * size);
	if (!out->data)
		return VHD_E_NOMEM;
	out->count = find_dirty(p, dirty);
	p->dirty = 0;
	for (uint32_t i = 0; i < out->count; i++) {
		struct slot *s = dirty[i].slot;
		pthread_mutex_t *mutex = stripe_of(p, dirty[i].page);

		pthread_mutex_lock(mutex);
		out->offsets[i] = dirty[i].page << p->shift;
		copy_words(atomic_load(&s->words), 0, out->data + i * size,
			   size);
		s->dirty = false;
		s->unsettled = true;
		pthread_mutex_unlock(mutex);
	}
	return 0;
}

/* ends a snapshot: its pages are home, or as dirty as they were */
static void end_snapshot(struct vhd_pages *p, struct vhd_page_set *set,
			 bool home)
{
	for (uint32_t i = 0; i < set->count; i++) {
		uint64_t page = set->offsets[i] >> p->shift;
		pthread_mutex_t *mutex = stripe_of(p, page);
		struct slot *s;

		pthread_mutex_lock(mutex);
		s = find_slot(p, page);
		s->unsettled = false;
		if (!home) {
			p->dirty += !s->dirty;
			s->dirty = true;
		}
		p->held -= !is_held(s);
		pthread_mutex_unlock(mutex);
	}
	vhd_page_set_free(set);
}

void vhd_pages_settle(struct vhd_pages *p, struct vhd_page_set *set)
{
	end_snapshot(p, set, true);
}

void vhd_pages_restore(struct vhd_pages *p, struct vhd_page_set *set)
{
	end_snapshot(p, set, false);
}

void vhd_page_set_free(struct vhd_page_set *set)
{
	free(set->data);
	*set = (struct vhd_page_set){0};
}

void vhd_pages_set_size(struct vhd_pages *p, uint64_t size)
{
	atomic_store_explicit(&p->file_size, size, memory_order_relaxed);
}

bool vhd_pages_dirty(const struct vhd_pages *p)
{
	return p->dirty > 0;
}
