/* SPDX-License-Identifier: BSD-2-Clause */
#include "ublkwire.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include <libvhd.h>

static_assert(sizeof(struct ublkwire_control) == 32, "the kernel's layout");
static_assert(sizeof(struct ublkwire_info) == 64, "the kernel's layout");
static_assert(sizeof(struct ublkwire_params) == 64, "the kernel's layout");
static_assert(offsetof(struct ublkwire_params, sectors) == 24,
	      "the kernel's layout");
static_assert(offsetof(struct ublkwire_params, discard_alignment) == 40,
	      "the kernel's layout");
static_assert(sizeof(struct ublkwire_io) == 16, "the kernel's layout");
static_assert(sizeof(struct ublkwire_desc) == 24, "the kernel's layout");

/* the kernel's sectors, whatever those of the device */
#define SECTOR_SHIFT 9

/*
 * Ranges without data may be longer than any buffer, but end in a foreseeable
 * time: 2 GiB.
 */
#define RANGE_SECTORS_MAX (1u << 22)

/* -- opcodes -----------------------------------------------------------------
 */

static uint32_t encode(uint32_t directions, uint32_t number, size_t size)
{
	return directions << 30 | (uint32_t)size << 16 | (uint32_t)'u' << 8 |
	       number;
}

uint32_t ublkwire_opcode(enum ublkwire_command command, bool encoded)
{
	const uint32_t reads = 2, both = 3;

	if (!encoded)
		return command;
	switch (command) {
	case UBLKWIRE_GET_DEV_INFO:
	case UBLKWIRE_GET_FEATURES:
	case UBLKWIRE_DEL_DEV_ASYNC:
		return encode(reads, command, sizeof(struct ublkwire_control));
	case UBLKWIRE_FETCH:
	case UBLKWIRE_COMMIT_AND_FETCH:
		return encode(both, command, sizeof(struct ublkwire_io));
	default:
		return encode(both, command, sizeof(struct ublkwire_control));
	}
}

/* -- a device ----------------------------------------------------------------
 */

static uint8_t shift_of(uint32_t size)
{
	uint8_t shift = 0;

	while (size >> 1 >> shift)
		shift++;
	return shift;
}

static void fill_discard(const struct ublkwire_shape *shape,
			 struct ublkwire_params *out)
{
	out->types |= UBLKWIRE_DISCARD;
	out->discard_granularity = shape->logical;
	out->discard_sectors_max = RANGE_SECTORS_MAX;
	out->zero_sectors_max = RANGE_SECTORS_MAX;
	out->discard_segments_max = 1;
}

void ublkwire_fill_params(const struct ublkwire_shape *shape,
			  struct ublkwire_params *out)
{
	*out = (struct ublkwire_params){
		.length = sizeof(*out),
		.types = UBLKWIRE_BASIC,
		.attributes = UBLKWIRE_READ_ONLY,
		.logical_shift = shift_of(shape->logical),
		.physical_shift = shift_of(shape->physical),
		.optimal_shift = shift_of(shape->physical),
		.minimal_shift = shift_of(shape->physical),
		.sectors_max = shape->buffer_size >> SECTOR_SHIFT,
		.sectors = shape->size >> SECTOR_SHIFT,
	};
	if (!shape->writable)
		return;
	out->attributes = UBLKWIRE_VOLATILE_CACHE | UBLKWIRE_CAN_FUA;
	fill_discard(shape, out);
}

/* -- requests ----------------------------------------------------------------
 */

#define TYPE_MASK     0xffu
#define FLAG_FUA      (1u << 13)
#define FLAG_NO_UNMAP (1u << 15)

void ublkwire_read_request(const struct ublkwire_desc *desc,
			   struct ublkwire_request *out)
{
	out->type = desc->type_and_flags & TYPE_MASK;
	out->fua = desc->type_and_flags & FLAG_FUA;
	out->no_unmap = desc->type_and_flags & FLAG_NO_UNMAP;
	out->offset = desc->first_sector << SECTOR_SHIFT;
	out->length = (uint64_t)desc->sectors << SECTOR_SHIFT;
}

static int errno_of(int error)
{
	switch (error) {
	case VHD_E_NOMEM:
		return ENOMEM;
	case VHD_E_READONLY:
		return EPERM;
	case VHD_E_INVALID:
	case VHD_E_RANGE:
	case VHD_E_ALIGN:
		return EINVAL;
	case VHD_E_UNSUPPORTED:
		return EOPNOTSUPP;
	case VHD_E_NOSPACE:
		return ENOSPC;
	default:
		return EIO;
	}
}

int32_t ublkwire_result(const struct ublkwire_request *r, int error)
{
	if (error)
		return -errno_of(error);
	if (r->type == UBLKWIRE_READ || r->type == UBLKWIRE_WRITE)
		return (int32_t)r->length;
	return 0;
}
