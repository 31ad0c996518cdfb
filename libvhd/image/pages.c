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

#define WAYS 4u
#define STRIPES 16u
#define NO_PAGE UINT64_MAX

struct slot {
	_Atomic uint64_t page;
	_Atomic uint32_t sequence;
	_Atomic uint32_t used;
	_Atomic(uint64_t) *_Atomic words;
};

struct vhd_pages {
	struct vhd_window window; /* first: the mapper hands it back */
	struct vhd_file *file;
	uint64_t file_size;
	unsigned shift;
	uint32_t sets; /* a power of two */
	struct slot *slots;
	pthread_mutex_t stripes[STRIPES];
};

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
	    atomic_load_explicit(&s->page, memory_order_acquire) != page)
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

/* under the stripe's mutex: a free slot, or one not used since last asked */
static struct slot *choose_victim(struct slot *set)
{
	for (unsigned way = 0; way < WAYS; way++)
		if (atomic_load_explicit(&set[way].page,
					 memory_order_relaxed) == NO_PAGE)
			return &set[way];
	for (unsigned way = 0; way < WAYS; way++)
		if (!atomic_exchange_explicit(&set[way].used, 0,
					      memory_order_relaxed))
			return &set[way];
	return &set[0];
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
	_Atomic(uint64_t) *words = atomic_load_explicit(&s->words,
							memory_order_relaxed);
	uint32_t sequence = atomic_load_explicit(&s->sequence,
						 memory_order_relaxed);

	atomic_store_explicit(&s->sequence, sequence + 1, memory_order_relaxed);
	atomic_store_explicit(&s->page, page, memory_order_release);
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
	size_t have = at < p->file_size
			      ? (size_t)vhd_min(size, p->file_size - at)
			      : 0;

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
	if (!give_memory(p, s)) /* without memory it is just not kept */
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

int vhd_pages_new(struct vhd_file *file, unsigned page_shift,
		  struct vhd_pages **out)
{
	struct vhd_pages *p = calloc(1, sizeof(*p));
	uint32_t slots = (uint32_t)(VHD_PAGES_BYTES_MAX >> page_shift);
	int rc;

	if (!p)
		return VHD_E_NOMEM;
	rc = vhd_file_size(file, &p->file_size);
	if (rc)
		goto fail;
	p->window.load = load;
	p->file = file;
	p->shift = page_shift;
	p->sets = slots / WAYS;
	p->slots = calloc(slots, sizeof(*p->slots));
	rc = VHD_E_NOMEM;
	if (!p->slots)
		goto fail;
	for (uint32_t i = 0; i < slots; i++)
		atomic_init(&p->slots[i].page, NO_PAGE);
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
