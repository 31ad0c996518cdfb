/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log is a ring of 4 KiB sectors. Valid entries cannot overlap (each of
 * their sectors but the first starts with another signature), so they form
 * disjoint runs, and one lap in ascending order meets each run from its start.
 * Only a run that crosses the end of the ring needs part of a second lap.
 *
 * Replay starts at the tail, not at the start of the run: entries before it
 * are finished, and their targets may hold something else by now. (QEMU 7.2
 * gets this wrong.)
 */
#include "vhdx_log.h"

#include "checked.h"
#include "crc32c.h"
#include "diag.h"
#include "guid.h"
#include "mem.h"
#include "vhdx_region.h"

static const char structure[] = "VHDX log";

struct vhdx_log vhdx_log_of(const struct vhd_source *source,
			    const struct vhdx_header *header, uint8_t *sector)
{
	return (struct vhdx_log){source, header->log_offset, header->log_length,
				 header->log_guid, sector};
}

/* (a + b) in the ring; both are at most its length */
static uint32_t ring_add(const struct vhdx_log *log, uint32_t a, uint32_t b)
{
	uint64_t sum = (uint64_t)a + b;

	return (uint32_t)(sum >= log->length ? sum - log->length : sum);
}

uint32_t vhdx_log_next(const struct vhdx_log *log,
		       const struct vhdx_log_entry *entry)
{
	return ring_add(log, entry->offset, entry->length);
}

static int read_sector(const struct vhdx_log *log, uint32_t at)
{
	return vhd_source_read(log->source, log->offset + at, log->sector,
			       VHDX_LOG_SECTOR);
}

static struct vhdx_log_entry decode_entry(const uint8_t *sector, uint32_t at)
{
	const struct vhdx_log_entry_disk *disk = (const void *)sector;

	return (struct vhdx_log_entry){
		.offset = at,
		.length = le32_get(disk->length),
		.tail = le32_get(disk->tail),
		.descriptors = le32_get(disk->descriptors),
		.sequence = le64_get(disk->sequence),
		.flushed = le64_get(disk->flushed),
		.last = le64_get(disk->last),
	};
}

static uint32_t descriptor_sectors(const struct vhdx_log_entry *e)
{
	uint64_t bytes = VHDX_LOG_ENTRY_HEADER +
			 (uint64_t)e->descriptors * VHDX_LOG_DESCRIPTOR;

	return (uint32_t)vhd_shift_up(bytes, 12);
}

/* LE-1 to LE-6, from the first sector alone */
static const char *check_header(const struct vhdx_log *log,
				const struct vhdx_log_entry *e)
{
	const struct vhdx_log_entry_disk *disk = (const void *)log->sector;

	if (memcmp(disk->log_guid, log->guid.b, 16) != 0)
		return "another session's log GUID";
	if (e->length < VHDX_LOG_SECTOR ||
	    !vhd_is_aligned(e->length, VHDX_LOG_SECTOR) ||
	    e->length >= log->length)
		return "impossible length";
	if (!vhd_is_aligned(e->tail, VHDX_LOG_SECTOR) || e->tail >= log->length)
		return "impossible tail";
	if (!e->sequence)
		return "sequence number 0";
	if (e->descriptors >
	    (e->length - VHDX_LOG_ENTRY_HEADER) / VHDX_LOG_DESCRIPTOR)
		return "more descriptors than the entry can hold";
	return NULL;
}

static struct vhdx_log_update
decode_update(const struct vhdx_log_descriptor_disk *disk)
{
	bool zero = memcmp(disk->signature, "zero", 4) == 0;
	le64 length;

	memcpy(&length, disk->leading, sizeof(length));
	return (struct vhdx_log_update){
		.file_offset = le64_get(disk->file_offset),
		.length = zero ? le64_get(length) : VHDX_LOG_SECTOR,
		.zero = zero,
	};
}

/* LE-8 to LE-10 */
static const char *check_descriptor(const struct vhdx_log *log,
				    const struct vhdx_log_entry *e,
				    const struct vhdx_log_descriptor_disk *disk)
{
	struct vhdx_log_update u = decode_update(disk);

	if (!u.zero && memcmp(disk->signature, "desc", 4) != 0)
		return "a descriptor has no signature";
	if (le64_get(disk->sequence) != e->sequence)
		return "a descriptor has another sequence number";
	if (!vhd_is_aligned(u.file_offset, VHDX_LOG_SECTOR) ||
	    !vhd_is_aligned(u.length, VHDX_LOG_SECTOR) ||
	    u.file_offset > UINT64_MAX - u.length)
		return "a descriptor's range is not on whole 4 KiB";
	if (u.file_offset < VHDX_REGION_TABLE1 ||
	    vhd_overlap(u.file_offset, u.file_offset + u.length, log->offset,
			log->offset + log->length))
		return "a descriptor aims at the headers or the log";
	return NULL;
}

/*
 * The descriptors of one descriptor sector: `index` counts over the entry.
 * The first sector holds 126 behind the entry header, each further one 128.
 */
static const char *check_descriptor_sector(const struct vhdx_log *log,
					   struct vhdx_log_entry *e,
					   uint32_t sector, uint32_t *index)
{
	uint32_t at = sector ? 0 : VHDX_LOG_ENTRY_HEADER;
	const char *why = NULL;

	for (; at < VHDX_LOG_SECTOR && *index < e->descriptors && !why;
	     at += VHDX_LOG_DESCRIPTOR, ++*index) {
		const struct vhdx_log_descriptor_disk *disk =
			(const void *)(log->sector + at);

		why = check_descriptor(log, e, disk);
		e->data_sectors += memcmp(disk->signature, "desc", 4) == 0;
	}
	return why;
}

/* LE-12 */
static const char *check_data_sector(const struct vhdx_log *log,
				     const struct vhdx_log_entry *e)
{
	const struct vhdx_log_data_disk *disk = (const void *)log->sector;

	if (memcmp(disk->signature, "data", 4) != 0 ||
	    le32_get(disk->sequence_high) != (uint32_t)(e->sequence >> 32) ||
	    le32_get(disk->sequence_low) != (uint32_t)e->sequence)
		return "a data sector is not of this entry (torn write)";
	return NULL;
}

static uint32_t sum_sector(const struct vhdx_log *log, uint32_t crc, bool first)
{
	if (!first)
		return vhd_crc32c(crc, log->sector, VHDX_LOG_SECTOR);
	crc = vhd_crc32c(crc, log->sector, 4);
	crc = vhd_crc32c_zeros(crc, 4);
	return vhd_crc32c(crc, log->sector + 8, VHDX_LOG_SECTOR - 8);
}

/* LE-7 to LE-12 in one pass; the first sector is already in the scratch */
static int check_body(const struct vhdx_log *log, struct vhdx_log_entry *e,
		      uint32_t stored_crc, const char **why)
{
	uint32_t count = e->length / VHDX_LOG_SECTOR;
	uint32_t tables = descriptor_sectors(e), index = 0, crc = 0;

	for (uint32_t i = 0; i < count && !*why; i++) {
		uint32_t at = ring_add(log, e->offset, i * VHDX_LOG_SECTOR);
		int rc = i ? read_sector(log, at) : 0;

		if (rc)
			return rc;
		if (i && memcmp(log->sector, "loge", 4) == 0)
			*why = "another entry begins inside";
		else if (i < tables)
			*why = check_descriptor_sector(log, e, i, &index);
		else
			*why = check_data_sector(log, e);
		crc = sum_sector(log, crc, i == 0);
	}
	if (!*why && crc != stored_crc)
		*why = "the checksum is wrong";
	if (!*why && tables + e->data_sectors != count)
		*why = "the length does not fit the descriptors";
	return *why ? VHDX_LOG_NO_ENTRY : 0;
}

int vhdx_log_entry_read(const struct vhdx_log *log, uint32_t at,
			struct vhdx_log_entry *out, const char **why)
{
	const struct vhdx_log_entry_disk *disk = (const void *)log->sector;
	struct vhdx_log_entry e;
	int rc = read_sector(log, at);

	*why = NULL;
	if (rc)
		return rc;
	if (memcmp(disk->signature, "loge", 4) != 0)
		return VHDX_LOG_NO_ENTRY;
	e = decode_entry(log->sector, at);
	*why = check_header(log, &e);
	if (*why)
		return VHDX_LOG_NO_ENTRY;
	rc = check_body(log, &e, le32_get(disk->checksum), why);
	if (!rc)
		*out = e;
	return rc;
}

/* A run of entries that follow one another. */
struct run {
	struct vhdx_log_entry first;
	struct vhdx_log_entry last;
	uint32_t entries; /* 0: no run */
	uint64_t bytes;
};

static bool continues(const struct vhdx_log *log, const struct run *run,
		      const struct vhdx_log_entry *e)
{
	return run->entries && e->offset == vhdx_log_next(log, &run->last) &&
	       e->sequence == run->last.sequence + 1 &&
	       run->bytes + e->length <= log->length;
}

static void extend(struct run *run, const struct vhdx_log_entry *e)
{
	if (!run->entries)
		run->first = *e;
	run->last = *e;
	run->entries++;
	run->bytes += e->length;
}

/* re-reads a header that was found valid before */
static int reread(const struct vhdx_log *log, uint32_t at,
		  struct vhdx_log_entry *out)
{
	int rc = vhd_source_read(log->source, log->offset + at, log->sector,
				 VHDX_LOG_ENTRY_HEADER);

	if (!rc)
		*out = decode_entry(log->sector, at);
	return rc;
}

/*
 * A run that ended: if its head's tail is one of its entries, tail to head is
 * a candidate; the one with the greatest sequence number wins.
 */
static int consider(const struct vhdx_log *log, const struct run *run,
		    struct vhdx_log_active *best)
{
	struct vhdx_log_active found = {.head = run->last};
	uint32_t at = run->first.offset;

	if (!run->entries ||
	    (best->entries && run->last.sequence <= best->head.sequence))
		return 0;
	for (uint32_t i = 0; i < run->entries; i++) {
		struct vhdx_log_entry e;
		int rc = reread(log, at, &e);

		if (rc)
			return rc;
		if (at == run->last.tail)
			found.tail = e;
		if (at == run->last.tail || found.entries) {
			found.entries++;
			found.descriptors += e.descriptors;
			found.last = vhd_max(found.last, e.last);
		}
		at = vhdx_log_next(log, &e);
	}
	if (found.entries)
		*best = found;
	return 0;
}

/* second lap: only as far as the run that crossed the end goes on */
static int finish_wrapped(const struct vhdx_log *log, struct run *run)
{
	struct vhdx_log_entry e = {0};
	const char *why;
	int rc = 0;

	while (run->entries) {
		rc = vhdx_log_entry_read(log, vhdx_log_next(log, &run->last),
					 &e, &why);
		if (rc || !continues(log, run, &e))
			break;
		extend(run, &e);
	}
	return rc < 0 ? rc : 0;
}

static int first_lap(const struct vhdx_log *log, struct run *run,
		     struct vhdx_log_active *best)
{
	struct vhdx_log_entry e = {0};
	const char *why;

	for (uint64_t at = 0; at < log->length;) {
		int rc = vhdx_log_entry_read(log, (uint32_t)at, &e, &why);

		if (rc < 0)
			return rc;
		if (rc == VHDX_LOG_NO_ENTRY) {
			at += VHDX_LOG_SECTOR;
			continue;
		}
		if (!continues(log, run, &e)) {
			rc = consider(log, run, best);
			if (rc)
				return rc;
			*run = (struct run){0};
		}
		extend(run, &e);
		at += e.length;
	}
	return 0;
}

int vhdx_log_find(const struct vhdx_log *log, struct vhdx_log_active *out,
		  struct vhd_diag *diag)
{
	struct vhdx_log_active best = {0};
	struct run run = {0};
	int rc = first_lap(log, &run, &best);

	if (!rc)
		rc = finish_wrapped(log, &run);
	if (!rc)
		rc = consider(log, &run, &best);
	if (rc)
		return vhd_fail(diag, rc, structure, log->offset,
				"cannot be read");
	if (!best.entries) {
		vhd_fail(diag, VHD_E_LOG, structure, log->offset,
			 "the header names a log, but it holds no valid entry");
		return vhd_hint(diag, VHD_E_LOG,
				"'vhdtool check --repair' discards the log "
				"and uses the file as it is");
	}
	if (best.head.flushed > log->source->size)
		return vhd_fail_value(diag, VHD_E_CORRUPT, structure,
				      log->offset + best.head.offset,
				      "the file had % bytes when the log was "
				      "written; it was cut since",
				      best.head.flushed);
	best.last = best.last > UINT64_MAX - VHDX_ALIGN
			    ? UINT64_MAX
			    : vhd_round_up(best.last, VHDX_ALIGN);
	*out = best;
	return 0;
}

int vhdx_log_entry_walk(
	const struct vhdx_log *log, const struct vhdx_log_entry *e,
	int (*update)(void *ctx, const struct vhdx_log_update *u), void *ctx)
{
	uint32_t data = descriptor_sectors(e), loaded = UINT32_MAX;

	for (uint32_t i = 0; i < e->descriptors; i++) {
		uint32_t at = VHDX_LOG_ENTRY_HEADER + i * VHDX_LOG_DESCRIPTOR;
		uint32_t sector = at & ~(VHDX_LOG_SECTOR - 1);
		struct vhdx_log_update u;
		int rc = 0;

		if (sector != loaded)
			rc = read_sector(log, ring_add(log, e->offset, sector));
		if (rc)
			return rc;
		loaded = sector;
		u = decode_update((const void *)(log->sector + at - sector));
		u.descriptor = ring_add(log, e->offset, at);
		if (!u.zero)
			u.data = ring_add(log, e->offset,
					  data++ * VHDX_LOG_SECTOR);
		rc = update(ctx, &u);
		if (rc)
			return rc;
	}
	return 0;
}

uint32_t vhdx_log_entry_size(uint32_t pages)
{
	struct vhdx_log_entry e = {.descriptors = pages};

	return (descriptor_sectors(&e) + pages) * VHDX_LOG_SECTOR;
}

static void encode_update(uint8_t *entry, uint32_t index, uint32_t tables,
			  uint64_t sequence, uint64_t offset,
			  const uint8_t *page)
{
	struct vhdx_log_descriptor_disk *d =
		(void *)(entry + VHDX_LOG_ENTRY_HEADER +
			 index * VHDX_LOG_DESCRIPTOR);
	struct vhdx_log_data_disk *data =
		(void *)(entry + (size_t)(tables + index) * VHDX_LOG_SECTOR);

	memcpy(d->signature, "desc", 4);
	memcpy(d->leading, page, 8);
	memcpy(d->trailing, page + 4092, 4);
	d->file_offset = le64_of(offset);
	d->sequence = le64_of(sequence);
	memcpy(data->signature, "data", 4);
	data->sequence_high = le32_of((uint32_t)(sequence >> 32));
	memcpy(data->data, page + 8, sizeof(data->data));
	data->sequence_low = le32_of((uint32_t)sequence);
}

void vhdx_log_entry_encode(const struct vhdx_log_entry *entry,
			   const struct vhd_guid *guid, uint32_t pages,
			   const uint64_t *offsets, const uint8_t *data,
			   uint8_t *out)
{
	struct vhdx_log_entry_disk *disk = (void *)out;
	uint32_t size = vhdx_log_entry_size(pages);
	uint32_t tables = size / VHDX_LOG_SECTOR - pages, crc;

	memset(out, 0, (size_t)tables * VHDX_LOG_SECTOR);
	memcpy(disk->signature, "loge", 4);
	disk->length = le32_of(size);
	disk->tail = le32_of(entry->tail);
	disk->sequence = le64_of(entry->sequence);
	disk->descriptors = le32_of(pages);
	memcpy(disk->log_guid, guid->b, 16);
	disk->flushed = le64_of(entry->flushed);
	disk->last = le64_of(entry->last);
	for (uint32_t i = 0; i < pages; i++)
		encode_update(out, i, tables, entry->sequence, offsets[i],
			      data + (size_t)i * VHDX_LOG_SECTOR);
	crc = vhd_crc32c(0, out, size);
	disk->checksum = le32_of(crc);
}
