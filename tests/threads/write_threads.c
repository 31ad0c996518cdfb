/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that write, zero, discard and flush one disk at the same time. Each
 * sector has one owner, by turns, so that all threads meet in every block,
 * table page and bitmap byte; every fourth block has one owner as a whole, who
 * zeroes and discards it. Registers: an owner sees its own last content; others
 * see some content of that sector, whole. At the end the image is shut and
 * compared.
 *
 * write_threads [THREADS [STEPS]]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/powercut.h"
#include "support/subject.h"

#define THREADS_MAX 16u
#define PIECE       4096u /* what an owner writes at a time */

static unsigned thread_count = 4;
static uint64_t step_count = 6000;
static const struct subject *subject;
static struct vhd_disk *disk;
static struct cow *parent;
static uint32_t *versions; /* newest of each piece; its owner's */
static atomic_int failed;

struct worker {
	pthread_t thread;
	unsigned index;
	uint64_t lots;
	uint32_t version;
	uint8_t buf[PIECE];
	uint8_t want[PIECE];
};

static uint64_t draw(struct worker *w, uint64_t n)
{
	return cut_hash(w->index + 100, w->lots++) % n;
}

static uint64_t block_of(uint64_t piece)
{
	return piece * PIECE / subject->block;
}

static unsigned owner_of(uint64_t piece)
{
	uint64_t block = block_of(piece);

	return (unsigned)((block % 4 == 3 ? block / 4 : piece) % thread_count);
}

static void fail(const char *what, uint64_t piece, int rc)
{
	failed = 1;
	fprintf(stderr, "%s: piece %llu: %s (%d)\n", subject->name,
		(unsigned long long)piece, what, rc);
}

/* the version a piece shows; UINT32_MAX if it is none of this place */
static uint32_t version_of(struct worker *w, uint64_t piece)
{
	static const uint8_t zeros[PIECE];
	uint64_t word;

	if (memcmp(w->buf, zeros, PIECE) == 0)
		return ORACLE_ZERO;
	memcpy(&word, w->buf, 8);
	oracle_content(piece * PIECE, PIECE, (uint32_t)word, w->want);
	return memcmp(w->buf, w->want, PIECE) ? UINT32_MAX : (uint32_t)word;
}

static void write_piece(struct worker *w, uint64_t piece)
{
	uint32_t version = (w->version += THREADS_MAX);
	int rc;

	oracle_content(piece * PIECE, PIECE, version, w->buf);
	rc = vhd_disk_write(disk, piece * PIECE, w->buf, PIECE, NULL);
	if (rc)
		fail("write", piece, rc);
	versions[piece] = version;
}

static void zero_piece(struct worker *w, uint64_t piece)
{
	int rc = vhd_disk_zero(disk, piece * PIECE, PIECE, NULL);

	(void)w;
	if (rc)
		fail("zero", piece, rc);
	versions[piece] = ORACLE_ZERO;
}

/* a whole block of its own: all its pieces read as zeros afterwards, or, by a
 * discard, as they were */
static void drop_block(struct worker *w, uint64_t block, bool discard)
{
	uint64_t first = block * subject->block / PIECE;
	uint64_t count = subject->block / PIECE;
	int rc = discard ? vhd_disk_discard(disk, block * subject->block,
					    subject->block, NULL)
			 : vhd_disk_zero(disk, block * subject->block,
					 subject->block, NULL);

	if (rc)
		fail("drop", first, rc);
	for (uint64_t p = first; p < first + count; p++) {
		if (vhd_disk_read(disk, p * PIECE, w->buf, PIECE, NULL))
			fail("read", p, 0);
		if (version_of(w, p) == ORACLE_ZERO)
			versions[p] = ORACLE_ZERO;
	}
}

/* read by its owner: exactly; by another thread: of this place at least */
static void read_piece(struct worker *w, uint64_t piece)
{
	bool mine = owner_of(piece) == w->index;
	uint32_t version;
	int rc = vhd_disk_read(disk, piece * PIECE, w->buf, PIECE, NULL);

	if (rc) {
		fail("read", piece, rc);
		return;
	}
	if (!mine)
		return; /* may be torn while it is written */
	version = version_of(w, piece);
	if (version == UINT32_MAX)
		fail("shows foreign data", piece, 0);
	else if (version != versions[piece])
		fail("does not show its owner's last content", piece, 0);
}

/* sectors are not torn: each is of this place */
static void read_foreign(struct worker *w, uint64_t piece)
{
	static const uint8_t zeros[ORACLE_SECTOR];
	uint64_t at = piece * PIECE;
	int rc = vhd_disk_read(disk, at, w->buf, ORACLE_SECTOR, NULL);
	uint64_t word;

	memcpy(&word, w->buf, 8);
	oracle_content(at, ORACLE_SECTOR, (uint32_t)word, w->want);
	if (rc)
		fail("read", piece, rc);
	else if (word && (word >> 32) - 1 != at / ORACLE_SECTOR)
		fail("shows another place", piece, 0);
	else if (!word && memcmp(w->buf, zeros, 8))
		fail("shows garbage", piece, 0);
}

static void step(struct worker *w)
{
	uint64_t pieces = subject->size / PIECE;
	uint64_t piece = draw(w, pieces), what = draw(w, 100);

	if (what >= 96) {
		if (vhd_disk_flush(disk, NULL))
			fail("flush", 0, 0);
		return;
	}
	if (owner_of(piece) != w->index) {
		read_foreign(w, piece);
		return;
	}
	if (block_of(piece) % 4 == 3 && what < 8 &&
	    (block_of(piece) + 1) * subject->block <= subject->size)
		drop_block(w, block_of(piece), what & 1);
	else if (what < 65)
		write_piece(w, piece);
	else if (what < 75)
		zero_piece(w, piece);
	else
		read_piece(w, piece);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	w->version = w->index + THREADS_MAX;
	for (uint64_t i = 0; i < step_count && !failed; i++)
		step(w);
	return NULL;
}

/* a file of the system's: calls of several threads at once are its business */
static struct vhd_file *make_file(void)
{
	struct cow *content = subject_make(subject);
	int fd = memfd_create("image", MFD_CLOEXEC);
	uint8_t *bytes = malloc((size_t)cow_size(content));
	struct vhd_file *file;

	if (fd < 0 || !bytes)
		abort();
	cow_read(content, 0, bytes, (size_t)cow_size(content));
	if (write(fd, bytes, (size_t)cow_size(content)) !=
	    (ssize_t)cow_size(content))
		abort();
	free(bytes);
	cow_free(content);
	if (vhd_file_open_fd(fd, VHD_FILE_WRITE, &file, NULL))
		abort();
	return file;
}

static void check_all(struct worker *w)
{
	for (uint64_t p = 0; p < subject->size / PIECE && !failed; p++) {
		w->index = owner_of(p);
		read_piece(w, p);
	}
}

static void set_versions(void)
{
	versions = calloc(subject->size / PIECE, sizeof(*versions));
	if (!versions)
		abort();
}

static int run(const struct subject *s)
{
	static struct worker workers[THREADS_MAX];
	struct vhd_file *file;

	subject = s;
	parent = NULL; /* its content is not by whole pieces */
	set_versions();
	file = make_file();
	parent = subject_parent(s);
	if (subject_open(s, file, parent, true, &disk, NULL))
		return 1;
	/* start from zeros, also where a parent shows */
	if (vhd_disk_zero(disk, 0, s->size / PIECE * PIECE, NULL))
		return 1;
	for (unsigned i = 0; i < thread_count; i++) {
		workers[i] = (struct worker){.index = i};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return 1;
	}
	for (unsigned i = 0; i < thread_count; i++)
		pthread_join(workers[i].thread, NULL);
	check_all(&workers[0]);
	if (vhd_disk_shut(disk, NULL))
		fail("shut", 0, 0);
	check_all(&workers[0]);
	vhd_disk_close(disk);
	cow_free(parent);
	free(versions);
	printf("%-22s %u threads: %s\n", s->name, thread_count,
	       failed ? "BAD" : "good");
	return failed;
}

int main(int argc, char **argv)
{
	static const char *const names[] = {
		"vhdx-dynamic",    "vhdx-dynamic-36m",     "vhdx-differencing",
		"vhd-dynamic-64k", "vhd-differencing-64k",
	};
	int bad = 0;

	if (argc > 1)
		thread_count = (unsigned)atoi(argv[1]) % (THREADS_MAX + 1);
	if (argc > 2)
		step_count = strtoull(argv[2], NULL, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		bad |= run(subject_find(names[i]));
	return bad;
}
