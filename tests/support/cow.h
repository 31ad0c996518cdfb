/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The content of a sparse file in memory, cheap to copy: copies share their
 * pages until one of them is written. For one thread. Running out of memory
 * ends the program.
 */
#ifndef TESTS_SUPPORT_COW_H
#define TESTS_SUPPORT_COW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libvhd/file.h>

#include "support/sparse.h"

struct cow;

struct cow *cow_new(void);
struct cow *cow_copy(const struct cow *c);
struct cow *cow_of_sparse(const struct sparse *s);
void cow_free(struct cow *c);

uint64_t cow_size(const struct cow *c);
/* Cuts, or extends with zeros. */
void cow_resize(struct cow *c, uint64_t size);
/* Grows the file if needed. */
void cow_write(struct cow *c, uint64_t offset, const void *buf, size_t len);
/* Inside the file only. */
void cow_zero(struct cow *c, uint64_t offset, uint64_t length);
/* Zeros behind the end. */
void cow_read(const struct cow *c, uint64_t offset, void *buf, size_t len);
/* Every byte, and the size; looks only where one of them stores something. */
bool cow_same(const struct cow *a, const struct cow *b);
/* The first run of stored bytes at or after offset. */
void cow_next(const struct cow *c, uint64_t offset, uint64_t *start,
	      uint64_t *end);
/* Writes the file to disk, with holes. 0 or -1. */
int cow_save(const struct cow *c, const char *path);

/*
 * The content as a vhd_file that reads and writes it at once, or read-only.
 * `c` stays the caller's and must outlive the file.
 */
struct vhd_file *cow_file(struct cow *c, bool writable);
/* The same for tests that run out of memory on purpose. */
int cow_file_new(struct cow *c, bool writable, struct vhd_file **out);

/* The content as the loader's reader sees a file. */
struct vhd_source cow_source(struct cow *c);

#endif
