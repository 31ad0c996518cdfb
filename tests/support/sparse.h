/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file in memory that stores only what was written to it: a 64 TiB image
 * costs the few pages that hold something. Everything else reads as zeros.
 * Running out of memory ends the program; these are tests.
 */
#ifndef TESTS_SUPPORT_SPARSE_H
#define TESTS_SUPPORT_SPARSE_H

#include <stdbool.h>

#include <libvhd/boot.h>

#define SPARSE_PAGE 4096u

struct sparse_page {
	uint64_t number;
	uint8_t *data;
};

struct sparse {
	uint64_t size;
	struct sparse_page *pages; /* by rising number */
	size_t count;
	size_t room;
	/* what went through sparse_source() */
	_Atomic uint64_t reads;
	_Atomic uint64_t bytes_read;
	/* the n-th read through the source fails (1 is the next); 0: none */
	uint64_t fail_at;
};

struct sparse *sparse_new(uint64_t size);
struct sparse *sparse_copy(const struct sparse *s);
void sparse_free(struct sparse *s);

/* Cuts, or extends with zeros. */
void sparse_resize(struct sparse *s, uint64_t size);

/* Writes; grows the file if needed. */
void sparse_put(struct sparse *s, uint64_t offset, const void *buf, size_t len);
void sparse_fill(struct sparse *s, uint64_t offset, uint8_t byte, size_t len);
void sparse_put_be32(struct sparse *s, uint64_t offset, uint32_t v);
void sparse_put_be64(struct sparse *s, uint64_t offset, uint64_t v);
void sparse_put_le16(struct sparse *s, uint64_t offset, uint16_t v);
void sparse_put_le32(struct sparse *s, uint64_t offset, uint32_t v);
void sparse_put_le64(struct sparse *s, uint64_t offset, uint64_t v);

/* Reads any range; zeros where nothing is and behind the end. Not counted. */
void sparse_get(const struct sparse *s, uint64_t offset, void *buf, size_t len);
uint8_t sparse_byte(const struct sparse *s, uint64_t offset);

/* The file as the core sees one; `s` must outlive the source. */
struct vhd_source sparse_source(struct sparse *s);

/* First stored page at or after `offset`: false if there is none. */
bool sparse_next(const struct sparse *s, uint64_t offset, uint64_t *start,
		 uint64_t *end);

/* Lays what the first `length` bytes of `part` store over `s` at `offset`. */
void sparse_lay(struct sparse *s, uint64_t offset, const struct sparse *part,
		uint64_t length);

/* Writes the file to disk with holes. 0 or -1 and errno. */
int sparse_save(const struct sparse *s, const char *path);

#endif
