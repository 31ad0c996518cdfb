/* SPDX-License-Identifier: BSD-2-Clause */
#include "pieces.h"

#include <string.h>

#include "support/sparse_file.h"

#define HEAD      2u
#define PIECE_MAX ((size_t)65535)

/* the description at `at`: where it begins and how long it is */
static bool piece_at(const uint8_t *data, size_t size, size_t at, size_t *start,
		     size_t *length)
{
	if (size - at < HEAD)
		return false;
	*start = at + HEAD;
	*length = data[at] | (size_t)data[at + 1] << 8;
	if (*length > size - *start)
		*length = size - *start;
	return true;
}

bool pieces_decode(const uint8_t *data, size_t size, struct pieces *out)
{
	size_t start, length, at = 1;

	*out = (struct pieces){0};
	if (!size)
		return false;
	out->flags = data[0];
	while (out->count < PIECES_MAX &&
	       piece_at(data, size, at, &start, &length)) {
		if (input_decode(data + start, length, &out->files[out->count]))
			out->count++;
		at = start + length;
	}
	return out->count;
}

void pieces_drop(struct pieces *p)
{
	while (p->count)
		sparse_free(p->files[--p->count].file);
}

int pieces_parent(const struct pieces *p, unsigned i)
{
	static const int behind_last[] = {-1, 0, PIECES_MAX, 1};
	int parent = i + 1 < p->count ? (int)i + 1 : behind_last[p->flags & 3];

	if (parent == PIECES_MAX)
		return (int)i;
	return parent < (int)p->count ? parent : -1;
}

/* layers are asked for in their order, from the leaf on */
struct search {
	struct pieces *pieces;
	unsigned at;
};

static int find_parent(void *ctx, struct vhd_image *child, unsigned depth,
		       struct vhd_file **file, char *name, size_t name_size)
{
	struct search *s = ctx;
	int parent = pieces_parent(s->pieces, s->at);

	(void)child;
	(void)depth;
	(void)name;
	(void)name_size;
	if (parent < 0)
		return VHD_E_PARENT;
	s->at = (unsigned)parent;
	*file = sparse_file_new(s->pieces->files[parent].file);
	return 0;
}

int pieces_open(struct pieces *p, uint32_t flags, struct vhd_disk **out)
{
	struct search search = {p, 0};
	const struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = p->files[0].format,
		.flags = flags,
		.find_parent = find_parent,
		.find_parent_ctx = &search,
	};
	struct vhd_file *leaf = sparse_file_new(p->files[0].file);
	int rc = vhd_disk_open_file(leaf, "leaf", &options, out, NULL);

	if (rc)
		vhd_file_close(leaf);
	return rc;
}

/* puts `length` bytes where the `old` at `start` are; returns the new size */
static size_t put(uint8_t *data, size_t size, size_t start, size_t old,
		  const uint8_t *bytes, size_t length)
{
	memmove(data + start + length, data + start + old, size - start - old);
	memcpy(data + start, bytes, length);
	data[start - 2] = (uint8_t)length;
	data[start - 1] = (uint8_t)(length >> 8);
	return size - old + length;
}

size_t pieces_mutate(uint8_t *data, size_t size, size_t room, unsigned seed)
{
	static uint8_t piece[PIECE_MAX];
	size_t start = 0, length = 0, at = 1, most;
	unsigned wanted = seed / 16 % PIECES_MAX;
	bool found = false;

	for (unsigned i = 0; i <= wanted && size > 1; i++) {
		if (!piece_at(data, size, at, &start, &length))
			break;
		found = true;
		at = start + length;
	}
	if (!found || seed % 16 == 15)
		return LLVMFuzzerMutate(data, size, room);
	most = room - (size - length);
	if (most > PIECE_MAX)
		most = PIECE_MAX;
	if (length > most)
		return size;
	memcpy(piece, data + start, length);
	return put(data, size, start, length, piece,
		   input_mutate(piece, length, most, seed, input_seal));
}
