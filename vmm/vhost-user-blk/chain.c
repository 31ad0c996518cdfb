/* SPDX-License-Identifier: BSD-2-Clause */
#include "chain.h"

#include <endian.h>
#include <string.h>

struct walk {
	const struct vub_guest *guest;
	const struct vub_ring *ring;
	bool indirect;   /* may there be a table of its own? */
	bool inside;     /* we are in it */
	uint64_t table;  /* its address */
	unsigned count;  /* descriptors of the table we are in */
	unsigned walked; /* of them, to see a loop */
};

/* a copy, since the guest may change it after the checks */
static const char *fetch(const struct walk *w, unsigned index,
			 struct virtq_desc *out)
{
	if (index >= w->count)
		return "a descriptor's number is too large";
	if (!w->inside)
		memcpy(out, &w->ring->desc[index], sizeof(*out));
	else if (!vub_guest_copy(w->guest, w->table + 16ull * index, out,
				 sizeof(*out)))
		return "an indirect table lies outside memory";
	out->addr = le64toh(out->addr);
	out->len = le32toh(out->len);
	out->flags = le16toh(out->flags);
	out->next = le16toh(out->next);
	return NULL;
}

static const char *enter(struct walk *w, const struct virtq_desc *d)
{
	if (!w->indirect || w->inside || (d->flags & VIRTQ_NEXT))
		return "an indirect descriptor where none may be";
	if (!d->len || d->len % 16 || d->len / 16 > VUB_PIECES_MAX)
		return "an indirect table has an impossible size";
	if (d->addr + d->len < d->addr)
		return "an indirect table lies outside memory";
	w->inside = true;
	w->table = d->addr;
	w->count = d->len / 16;
	w->walked = 0;
	return NULL;
}

static const char *add(struct vub_chain *c, const struct vub_guest *g,
		       const struct virtq_desc *d)
{
	uint64_t at = d->addr, left = d->len;
	bool write = d->flags & VIRTQ_WRITE;

	if (!write && c->writable)
		return "a readable descriptor behind a writable one";
	if (at + left < at)
		return "a descriptor lies outside memory";
	while (left) {
		uint64_t n = left;
		void *where = vub_guest_at(g, at, &n);

		if (!where)
			return "a descriptor lies outside memory";
		if (c->readable + c->writable == VUB_PIECES_MAX)
			return "a chain is too long";
		c->pieces[c->readable + c->writable] =
			(struct iovec){where, (size_t)n};
		*(write ? &c->writable : &c->readable) += 1;
		*(write ? &c->writable_bytes : &c->readable_bytes) += n;
		at += n;
		left -= n;
	}
	return NULL;
}

const char *vub_chain_read(struct vub_chain *out, const struct vub_ring *ring,
			   const struct vub_guest *guest, bool indirect,
			   uint16_t head)
{
	struct walk w = {
		.guest = guest,
		.ring = ring,
		.indirect = indirect,
		.count = ring->num,
	};
	unsigned index = head;
	struct virtq_desc d;
	const char *wrong;

	out->readable = out->writable = 0;
	out->readable_bytes = out->writable_bytes = 0;
	for (;;) {
		wrong = fetch(&w, index, &d);
		if (wrong)
			return wrong;
		if (w.walked++ == w.count)
			return "a chain of descriptors loops";
		if (d.flags & VIRTQ_INDIRECT) {
			wrong = enter(&w, &d);
			index = 0;
		} else {
			wrong = add(out, guest, &d);
			index = d.next;
		}
		if (wrong)
			return wrong;
		if (!(d.flags & (VIRTQ_NEXT | VIRTQ_INDIRECT)))
			return NULL;
	}
}
