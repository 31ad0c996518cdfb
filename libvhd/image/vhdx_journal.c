/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Order (vhdx.md 11):
 *
 *   session   both headers: new write GUIDs, before anything else changes
 *   first use empty entry with a new log GUID, flush, both headers name it
 *   commit    an entry holds full pages; only after it is durable are they
 *             written home, from the same copy
 *   close     homes durable, both headers: log GUID null
 *
 * The only tail that counts is that of the newest durable entry; from there to
 * the head nothing is overwritten. One sector of the ring is always left, so
 * that an empty entry can publish a newer tail.
 *
 * An entry's pages are home durably after the next barrier that follows
 * writing them. A commit that starts with a barrier may therefore name itself
 * as tail; one that does not names its predecessor.
 *
 * A commit may stop for want of space at any write; what is durable by then is
 * never undone, and the next one goes on from there:
 *
 *   start   an initial entry that is durable is kept, with its GUID: a header
 *           may name it by now
 *   entry   what was written of it lies in front of the head, counts for
 *           nothing, and is overwritten
 *   homes   the entry stays in the log until another that holds all its pages
 *           is durable: the next commit's, as they are dirty again
 *
 * One caller at a time (the image's flush_mutex, or its start).
 */
#include "vhdx_journal.h"

#include <stdlib.h>
#include <string.h>

#include "break.h"
#include "core/checked.h"
#include "core/diag.h"
#include "file/random.h"

#define NONE UINT32_MAX

struct vhdx_journal {
	struct vhd_guid guid;
	uint64_t offset;
	uint32_t length;
	uint64_t sequence;  /* of the newest entry */
	uint32_t head;      /* log offset behind the newest entry */
	uint32_t durable;   /* tail of the newest durable entry */
	uint32_t unsettled; /* entry whose pages may not be home durably */
	bool entered;       /* the initial entry is durable */
	bool named;         /* both headers name the GUID */
	bool astray;        /* the newest entry's pages did not all get home */
	uint64_t file_size; /* durable size of the file */
	uint8_t *buf;       /* an entry being made */
};

static int write_header(struct vhd_image *image,
			const struct vhdx_header *header)
{
	struct vhdx_headers *h = &image->meta.vhdx.headers;
	uint64_t other = h->offset == VHDX_HEADER1_OFFSET ? VHDX_HEADER2_OFFSET
							  : VHDX_HEADER1_OFFSET;
	uint8_t bytes[VHDX_HEADER_SIZE];
	int rc;

	vhdx_header_encode(header, bytes);
	rc = vhd_file_write(image->file, other, bytes, sizeof(bytes));
	if (!rc && !VHD_BROKEN(VHD_RULE_ONE_HEADER_AT_A_TIME))
		rc = vhd_write_barrier(image);
	if (rc)
		return rc;
	h->current = *header;
	h->offset = other;
	return 0;
}

int vhdx_header_update(struct vhd_image *image,
		       void (*change)(struct vhdx_header *header,
				      const struct vhd_guid *guids),
		       const struct vhd_guid *guids)
{
	struct vhdx_header next = image->meta.vhdx.headers.current;
	int rounds, rc = 0;

	if (next.sequence > UINT64_MAX - 2)
		return VHD_E_LIMIT;
	change(&next, guids);
	rounds = VHD_BROKEN(VHD_RULE_BOTH_HEADERS) ? 1 : 2;
	for (int round = 0; round < rounds && !rc; round++) {
		next.sequence++;
		rc = write_header(image, &next);
	}
	return rc;
}

static void set_write_guids(struct vhdx_header *h, const struct vhd_guid *guids)
{
	h->file_write_guid = guids[0];
	h->data_write_guid = guids[1];
}

static void set_file_guid(struct vhdx_header *h, const struct vhd_guid *guids)
{
	h->file_write_guid = guids[0];
}

static void set_log_guid(struct vhdx_header *h, const struct vhd_guid *guids)
{
	h->log_guid = guids[0];
}

int vhdx_session_start(struct vhd_image *image)
{
	struct vhd_guid guids[2];
	int rc = vhd_random_guid(&guids[0]);

	if (rc)
		return rc;
	if (image->same_content)
		return vhdx_header_update(image, set_file_guid, guids);
	rc = vhd_random_guid(&guids[1]);
	return rc ? rc : vhdx_header_update(image, set_write_guids, guids);
}

static void set_data_guid(struct vhdx_header *h, const struct vhd_guid *guids)
{
	h->data_write_guid = guids[0];
}

int vhdx_set_data_guid(struct vhd_image *image, const struct vhd_guid *guid)
{
	return vhdx_header_update(image, set_data_guid, guid);
}

int vhdx_file_touch(struct vhd_image *image)
{
	struct vhd_guid guid;
	int rc = vhd_random_guid(&guid);

	return rc ? rc : vhdx_header_update(image, set_file_guid, &guid);
}

static int clear_log_guid(struct vhd_image *image)
{
	const struct vhd_guid null = {{0}};

	return vhdx_header_update(image, set_log_guid, &null);
}

/* -- replay
 * -------------------------------------------------------------------- */

/* every replayed run, copied from the overlay to its place in the file */
static int write_home(struct vhd_image *image)
{
	uint8_t buf[VHDX_LOG_SECTOR];
	uint64_t start, end, at = 0;
	int rc = 0;

	while (!rc && vhdx_overlay_next(image->overlay, at, &start, &end)) {
		for (at = start; at < end && !rc; at += sizeof(buf)) {
			rc = vhdx_overlay_read(image->overlay, at, buf,
					       sizeof(buf));
			if (!rc)
				rc = vhd_file_write(image->file, at, buf,
						    sizeof(buf));
		}
	}
	return rc;
}

static int extend_file(struct vhd_image *image)
{
	uint64_t size;
	int rc = vhd_file_size(image->file, &size);

	if (!rc && size < image->overlay->size)
		rc = vhd_file_resize(image->file, image->overlay->size);
	return rc;
}

int vhdx_journal_replay(struct vhd_image *image, struct vhd_diag *diag)
{
	int rc = vhdx_file_touch(image);

	if (!rc)
		rc = extend_file(image);
	if (!rc)
		rc = write_home(image);
	if (!rc && !VHD_BROKEN(VHD_RULE_REPLAY_BEFORE_CLEAN))
		rc = vhd_write_barrier(image);
	if (!rc)
		rc = clear_log_guid(image);
	if (rc)
		return vhd_fail(diag, rc, "VHDX log", VHD_NO_OFFSET,
				"its updates cannot be written to the file");
	return 0;
}

/* -- the ring
 * ------------------------------------------------------------------- */

static uint32_t ring_add(const struct vhdx_journal *j, uint32_t a, uint32_t b)
{
	uint64_t sum = (uint64_t)a + b;

	return (uint32_t)(sum >= j->length ? sum - j->length : sum);
}

/* bytes that may be overwritten: all but [durable tail, head) */
static uint32_t ring_free(const struct vhdx_journal *j)
{
	uint32_t used = j->head >= j->durable
				? j->head - j->durable
				: j->length - j->durable + j->head;

	return j->length - used;
}

static int ring_write(struct vhd_image *image, uint32_t at, const uint8_t *buf,
		      uint32_t len)
{
	const struct vhdx_journal *j = image->writer->journal;
	uint32_t first = (uint32_t)vhd_min(len, j->length - at);
	int rc = vhd_file_write(image->file, j->offset + at, buf, first);

	if (!rc && len > first)
		rc = vhd_file_write(image->file, j->offset, buf + first,
				    len - first);
	return rc;
}

/* writes an entry at the head; durable only after the next barrier */
static int put_entry(struct vhd_image *image, uint32_t tail,
		     const struct vhd_page_set *set, uint64_t last)
{
	struct vhdx_journal *j = image->writer->journal;
	uint32_t pages = set ? set->count : 0;
	uint32_t size = vhdx_log_entry_size(pages);
	struct vhdx_log_entry entry = {
		.tail = tail,
		.sequence = j->sequence + 1,
		.flushed = vhd_round_down(j->file_size, VHDX_ALIGN),
		.last = vhd_round_up(last, VHDX_ALIGN),
	};
	int rc;

	if (VHD_BROKEN(VHD_RULE_DURABLE_SIZE_IN_ENTRY))
		entry.flushed = entry.last;
	vhdx_log_entry_encode(&entry, &j->guid, pages,
			      set ? set->offsets : NULL, set ? set->data : NULL,
			      j->buf);
	rc = ring_write(image, j->head, j->buf, size);
	if (rc)
		return rc;
	j->sequence++;
	j->head = ring_add(j, j->head, size);
	return 0;
}

/* a barrier; the size the file had before it is durable afterwards */
static int barrier(struct vhd_image *image)
{
	struct vhdx_journal *j = image->writer->journal;
	uint64_t size;
	int rc = vhd_file_size(image->file, &size);

	if (!rc)
		rc = vhd_write_barrier(image);
	if (!rc && j)
		j->file_size = size;
	return rc;
}

/*
 * An empty entry that is its own tail frees the whole ring behind it; all but
 * the newest entry if that one's pages are still astray.
 */
static int publish_tail(struct vhd_image *image, uint64_t last)
{
	struct vhdx_journal *j = image->writer->journal;
	uint32_t tail = j->astray ? j->unsettled : j->head;
	int rc = barrier(image); /* homes of all earlier entries */

	if (!rc)
		rc = put_entry(image, tail, NULL, last);
	if (!rc)
		rc = barrier(image);
	if (rc)
		return rc;
	j->durable = tail;
	if (!j->astray)
		j->unsettled = NONE;
	return 0;
}

static void free_journal(struct vhdx_journal *j)
{
	if (!j)
		return;
	free(j->buf);
	free(j);
}

static int new_journal(struct vhd_image *image)
{
	const struct vhdx_header *h = &image->meta.vhdx.headers.current;
	struct vhdx_journal *j = calloc(1, sizeof(*j));
	int rc = VHD_E_NOMEM;

	if (!j)
		return rc;
	j->offset = h->log_offset;
	j->length = h->log_length;
	j->unsettled = NONE;
	j->buf = malloc(vhdx_log_entry_size(VHD_PAGES_DIRTY_MAX));
	if (j->buf)
		rc = vhd_random_guid(&j->guid);
	if (!rc)
		rc = vhd_random_bytes(&j->sequence, sizeof(j->sequence));
	j->sequence = j->sequence >> 2 | 1;
	if (rc)
		free_journal(j);
	else
		image->writer->journal = j;
	return rc;
}

static int enter(struct vhd_image *image, uint64_t last)
{
	/* the size must be durable before an entry says so */
	int rc = barrier(image);

	if (!rc)
		rc = put_entry(image, 0, NULL, last);
	if (!rc && !VHD_BROKEN(VHD_RULE_LOG_BEFORE_HEADER))
		rc = barrier(image);
	return rc;
}

/* makes the log ready for entries; goes on where it stopped last time */
static int start_journal(struct vhd_image *image, uint64_t last)
{
	struct vhdx_journal *j;
	int rc = image->writer->journal ? 0 : new_journal(image);

	if (rc)
		return rc;
	j = image->writer->journal;
	if (!j->entered)
		rc = enter(image, last);
	if (rc)
		return rc;
	j->entered = true;
	if (!j->named)
		rc = vhdx_header_update(image, set_log_guid, &j->guid);
	j->named = !rc;
	return rc;
}

void vhdx_journal_free(struct vhd_image *image)
{
	free_journal(image->writer->journal);
	image->writer->journal = NULL;
}

/* -- committing
 * ------------------------------------------------------------------ */

static int write_pages_home(struct vhd_image *image,
			    const struct vhd_page_set *set)
{
	int rc = 0;

	for (uint32_t i = 0; i < set->count && !rc; i++)
		rc = vhd_file_write(image->file, set->offsets[i],
				    set->data + i * set->page_size,
				    set->page_size);
	return rc;
}

static int make_room(struct vhd_image *image, uint32_t size, uint64_t last)
{
	const struct vhdx_journal *j = image->writer->journal;

	if (ring_free(j) >= size + VHDX_LOG_SECTOR)
		return 0;
	return publish_tail(image, last);
}

/* where an entry at the head may say that the active sequence begins */
static uint32_t tail_for_entry(const struct vhdx_journal *j)
{
	/* it holds all pages of the one that went astray, and that one became
	 * durable behind a barrier: what came before is home */
	if (j->astray || j->unsettled == NONE)
		return j->head;
	return j->unsettled;
}

static int commit_entry(struct vhd_image *image, const struct vhd_page_set *set,
			bool ordered, uint64_t last)
{
	struct vhdx_journal *j = image->writer->journal;
	uint32_t at, tail;
	int rc = make_room(image, vhdx_log_entry_size(set->count), last);

	if (!rc && ordered && !VHD_BROKEN(VHD_RULE_DATA_BEFORE_ENTRY)) {
		rc = barrier(image);
		if (!j->astray)
			j->unsettled = NONE;
	}
	if (!rc && VHD_BROKEN(VHD_RULE_ENTRY_FIRST))
		rc = write_pages_home(image, set);
	if (rc)
		return rc;
	if (VHD_BROKEN(VHD_RULE_HOMES_BEFORE_TAIL))
		j->unsettled = NONE;
	at = j->head;
	tail = tail_for_entry(j);
	rc = put_entry(image, tail, set, last);
	if (!rc && !VHD_BROKEN(VHD_RULE_ENTRY_BEFORE_HOMES))
		rc = barrier(image);
	if (rc)
		return rc;
	j->durable = tail;
	j->unsettled = at;
	rc = write_pages_home(image, set);
	j->astray = rc != 0;
	return rc;
}

int vhdx_journal_commit(struct vhd_image *image, const struct vhd_page_set *set,
			bool ordered, uint64_t last)
{
	int rc;

	if (!set->count)
		return barrier(image);
	rc = start_journal(image, last);
	return rc ? rc : commit_entry(image, set, ordered, last);
}

int vhdx_journal_settle(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;

	return w->journal ? publish_tail(image, vhd_space_end(w->space)) : 0;
}

int vhdx_journal_close(struct vhd_image *image)
{
	struct vhdx_journal *j = image->writer->journal;
	int rc = VHD_BROKEN(VHD_RULE_HOMES_BEFORE_CLEAN) ? 0 : barrier(image);

	if (rc || !j)
		return rc;
	rc = clear_log_guid(image);
	/* one of the headers may be without it already */
	j->named = j->named && !rc;
	return rc;
}
