/* SPDX-License-Identifier: BSD-2-Clause */
#include "input.h"

#include <string.h>

#include "core/checked.h"
#include "core/crc32c.h"
#include "core/vhd1_footer.h"
#include "core/vhd1_header.h"
#include "core/vhdx_header.h"
#include "core/vhdx_log.h"
#include "core/vhdx_region.h"
#include "support/vhd1_image.h"
#include "support/vhdx_image.h"

#define UNIT        512u
#define RECORD_HEAD 6u
#define RECORD_MAX  (100u * UNIT)

static uint32_t get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static void put_le32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

bool input_decode(const uint8_t *data, size_t size, struct input *out)
{
	uint64_t bytes;

	if (size < INPUT_HEAD)
		return false;
	bytes = (uint64_t)get_le32(data + 1) * UNIT;
	bytes -= bytes < data[5] ? bytes : data[5];
	*out = (struct input){
		.flags = data[0],
		.format =
			data[0] & INPUT_VHDX ? VHD_FORMAT_VHDX : VHD_FORMAT_VHD,
		.file = sparse_new(bytes),
	};
	for (size_t at = INPUT_HEAD; size - at > RECORD_HEAD;) {
		uint64_t offset = (uint64_t)get_le32(data + at) * UNIT;
		size_t len = data[at + 4] | (size_t)data[at + 5] << 8;

		at += RECORD_HEAD;
		if (len > size - at)
			len = size - at;
		if (vhd_inside(offset, len, bytes))
			sparse_put(out->file, offset, data + at, len);
		at += len;
	}
	return true;
}

/* bytes of the unit at `offset`, without the zeros at its end */
static size_t used(const struct sparse *f, uint64_t offset, uint8_t *unit)
{
	size_t n = (size_t)vhd_min(UNIT, f->size - offset);

	sparse_get(f, offset, unit, n);
	while (n && !unit[n - 1])
		n--;
	return n;
}

struct encoding {
	uint8_t *out;
	size_t room;
	size_t length;
	size_t record; /* head of the open record; 0: none */
	uint64_t next; /* where it could go on */
};

static bool append(struct encoding *e, uint64_t offset, const uint8_t *unit,
		   size_t n)
{
	size_t len = e->record ? e->length - e->record - RECORD_HEAD : 0;
	bool joins = e->record && offset == e->next && !(len % UNIT) &&
		     len + n <= RECORD_MAX;

	if (e->room - e->length < RECORD_HEAD + n)
		return false;
	if (!joins) {
		e->record = e->length;
		put_le32(e->out + e->record, (uint32_t)(offset / UNIT));
		e->length += RECORD_HEAD;
	}
	memcpy(e->out + e->length, unit, n);
	e->length += n;
	len = e->length - e->record - RECORD_HEAD;
	e->out[e->record + 4] = (uint8_t)len;
	e->out[e->record + 5] = (uint8_t)(len >> 8);
	e->next = offset + UNIT;
	return true;
}

size_t input_encode(const struct input *in, uint8_t *out, size_t room)
{
	const struct sparse *f = in->file;
	struct encoding e = {out, room, INPUT_HEAD, 0, 0};
	uint64_t start, end, units = vhd_shift_up(f->size, 9);
	uint8_t unit[UNIT];

	if (room < INPUT_HEAD || units > UINT32_MAX)
		return 0;
	out[0] = in->flags;
	put_le32(out + 1, (uint32_t)units);
	out[5] = (uint8_t)vhd_min(units * UNIT - f->size, 255);
	for (uint64_t at = 0; sparse_next(f, at, &start, &end); at = end) {
		for (at = start; at < end; at += UNIT) {
			size_t n = used(f, at, unit);

			if (n && !append(&e, at, unit, n))
				return 0;
		}
	}
	return e.length;
}

static bool has(const struct sparse *f, uint64_t at, const char *signature)
{
	uint8_t bytes[8];
	size_t n = strlen(signature);

	if (!vhd_inside(at, 1024, f->size))
		return false;
	sparse_get(f, at, bytes, n);
	return memcmp(bytes, signature, n) == 0;
}

static void seal_vhd1(struct sparse *f)
{
	uint64_t footer = f->size < UNIT ? 0 : f->size - UNIT;
	uint32_t field = offsetof(struct vhd1_footer_disk, checksum);
	be64 header;

	if (f->size < 2 * UNIT)
		return;
	sparse_get(f, footer + 16, &header, 8);
	vhd1_seal_at(f, footer, UNIT, field);
	if (has(f, 0, "conectix"))
		vhd1_seal_at(f, 0, UNIT, field);
	if (has(f, be64_get(header), "cxsparse"))
		vhd1_seal_at(f, be64_get(header), VHD1_HEADER_SIZE,
			     offsetof(struct vhd1_header_disk, checksum));
}

static uint32_t entry_crc(const struct sparse *f, uint64_t log, uint32_t length,
			  uint32_t at, uint32_t bytes)
{
	uint8_t sector[VHDX_LOG_SECTOR];
	uint32_t crc = 0;

	for (uint32_t i = 0; i < bytes; i += VHDX_LOG_SECTOR) {
		sparse_get(f, log + (at + (uint64_t)i) % length, sector,
			   sizeof(sector));
		crc = vhd_crc32c(crc, sector, sizeof(sector));
	}
	return crc;
}

void input_seal_log(struct sparse *f, uint64_t log, uint32_t length)
{
	for (uint32_t at = 0; at < length; at += VHDX_LOG_SECTOR) {
		le32 bytes;

		if (!has(f, log + at, "loge"))
			continue;
		sparse_get(f, log + at + 8, &bytes, 4);
		if (le32_get(bytes) > 64 * VHDX_LOG_SECTOR)
			continue;
		sparse_put_le32(f, log + at + 4, 0);
		sparse_put_le32(f, log + at + 4,
				entry_crc(f, log, length, at, le32_get(bytes)));
	}
}

static void seal_vhdx(struct sparse *f)
{
	le64 offset;
	le32 length;

	if (f->size < VHDX_REGIONS_AT(2) + VHDX_REGION_TABLE_SIZE)
		return;
	vhdx_seal(f);
	sparse_get(f, VHDX_HEADER_AT(2) + 68, &length, 4);
	sparse_get(f, VHDX_HEADER_AT(2) + 72, &offset, 8);
	if (le32_get(length) <= 16 * VHD_MIB && le32_get(length) % 4096 == 0 &&
	    vhd_inside(le64_get(offset), le32_get(length), f->size))
		input_seal_log(f, le64_get(offset), le32_get(length));
}

void input_seal(struct input *in)
{
	if (in->format == VHD_FORMAT_VHD)
		seal_vhd1(in->file);
	else
		seal_vhdx(in->file);
}

size_t input_mutate(uint8_t *data, size_t size, size_t room, unsigned seed,
		    void (*seal)(struct input *in))
{
	struct input in;
	size_t length;

	size = LLVMFuzzerMutate(data, size, room);
	if (seed % 4 == 0 || !input_decode(data, size, &in))
		return size;
	seal(&in);
	length = input_encode(&in, data, room);
	sparse_free(in.file);
	return length ? length : size;
}
