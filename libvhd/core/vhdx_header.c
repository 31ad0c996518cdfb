/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Choosing the current header. Version and GUIDs take no part in the choice:
 * falling back to the other slot because the newer one has an unknown version
 * would show old metadata as new.
 */
#include "vhdx_header.h"

#include "checked.h"
#include "crc32c.h"
#include "diag.h"
#include "guid.h"
#include "mem.h"

#define FIELD(base, name) ((base) + offsetof(struct vhdx_header_disk, name))

static const char structure[] = "VHDX header";

/* CRC-32C with the four bytes of the checksum field taken as zero */
static uint32_t checksum(const uint8_t *bytes, size_t size)
{
	uint32_t crc = vhd_crc32c(0, bytes, 4);

	crc = vhd_crc32c_zeros(crc, 4);
	return vhd_crc32c(crc, bytes + 8, size - 8);
}

bool vhdx_header_decode(const uint8_t bytes[VHDX_HEADER_SIZE],
			struct vhdx_header *out)
{
	const struct vhdx_header_disk *disk = (const void *)bytes;

	if (memcmp(disk->signature, "head", 4) != 0 ||
	    checksum(bytes, VHDX_HEADER_SIZE) != le32_get(disk->checksum))
		return false;
	*out = (struct vhdx_header){
		.sequence = le64_get(disk->sequence),
		.log_offset = le64_get(disk->log_offset),
		.log_length = le32_get(disk->log_length),
		.checksum = le32_get(disk->checksum),
		.log_version = le16_get(disk->log_version),
		.version = le16_get(disk->version),
	};
	memcpy(out->file_write_guid.b, disk->file_write_guid, 16);
	memcpy(out->data_write_guid.b, disk->data_write_guid, 16);
	memcpy(out->log_guid.b, disk->log_guid, 16);
	return true;
}

void vhdx_header_encode(const struct vhdx_header *h,
			uint8_t bytes[VHDX_HEADER_SIZE])
{
	struct vhdx_header_disk *disk = (void *)bytes;

	memset(bytes, 0, VHDX_HEADER_SIZE);
	memcpy(disk->signature, "head", 4);
	disk->sequence = le64_of(h->sequence);
	memcpy(disk->file_write_guid, h->file_write_guid.b, 16);
	memcpy(disk->data_write_guid, h->data_write_guid.b, 16);
	memcpy(disk->log_guid, h->log_guid.b, 16);
	disk->log_version = le16_of(h->log_version);
	disk->version = le16_of(h->version);
	disk->log_length = le32_of(h->log_length);
	disk->log_offset = le64_of(h->log_offset);
	disk->checksum = le32_of(checksum(bytes, VHDX_HEADER_SIZE));
}

static int check_log(const struct vhdx_header *h, uint64_t at,
		     uint64_t file_size, struct vhd_diag *diag)
{
	bool has_log = !vhd_guid_is_null(&h->log_guid);

	if (h->log_version != 0 && has_log)
		return vhd_fail_value(diag, VHD_E_UNSUPPORTED, structure,
				      FIELD(at, log_version),
				      "log version % is unknown",
				      h->log_version);
	if (!h->log_length && !has_log)
		return 0;
	if (!h->log_length || !vhd_is_aligned(h->log_offset, VHDX_ALIGN) ||
	    !vhd_is_aligned(h->log_length, VHDX_ALIGN) ||
	    h->log_offset < VHDX_ALIGN ||
	    !vhd_inside(h->log_offset, h->log_length, file_size))
		return vhd_fail(diag, VHD_E_CORRUPT, structure,
				FIELD(at, log_length),
				"the log lies outside the file or not on "
				"whole MiB");
	if (h->log_length > VHDX_LOG_MAX)
		return vhd_fail_value(diag, VHD_E_LIMIT, structure,
				      FIELD(at, log_length),
				      "a log of % bytes is over the limit of "
				      "1 GiB",
				      h->log_length);
	return 0;
}

static int check(const struct vhdx_headers *h, uint64_t file_size,
		 struct vhd_diag *diag)
{
	if (h->current.version != 1)
		return vhd_fail_value(diag, VHD_E_UNSUPPORTED, structure,
				      FIELD(h->offset, version),
				      "format version % is unknown",
				      h->current.version);
	return check_log(&h->current, h->offset, file_size, diag);
}

static int read_slot(const struct vhd_source *source, uint64_t offset,
		     uint8_t *scratch, struct vhdx_header *out, bool *valid,
		     struct vhd_diag *diag)
{
	int rc;

	*valid = false;
	if (!vhd_inside(offset, VHDX_HEADER_SIZE, source->size))
		return 0;
	rc = vhd_source_read(source, offset, scratch, VHDX_HEADER_SIZE);
	if (rc)
		return vhd_fail(diag, rc, structure, offset, "cannot be read");
	*valid = vhdx_header_decode(scratch, out);
	return 0;
}

static bool same(const struct vhdx_header *a, const struct vhdx_header *b)
{
	return a->checksum == b->checksum && a->log_offset == b->log_offset &&
	       a->log_length == b->log_length && a->version == b->version &&
	       a->log_version == b->log_version &&
	       vhd_guid_equal(&a->file_write_guid, &b->file_write_guid) &&
	       vhd_guid_equal(&a->data_write_guid, &b->data_write_guid) &&
	       vhd_guid_equal(&a->log_guid, &b->log_guid);
}

uint64_t vhdx_other_header(uint64_t offset)
{
	return offset == VHDX_HEADER1_OFFSET ? VHDX_HEADER2_OFFSET
					     : VHDX_HEADER1_OFFSET;
}

bool vhdx_headers_equal(const struct vhdx_headers *h,
			const struct vhdx_header *other)
{
	return h->other_is_valid && h->current.sequence == other->sequence;
}

bool vhdx_headers_differ(const struct vhdx_headers *h,
			 const struct vhdx_header *other)
{
	return h->other_is_valid &&
	       (other->log_offset != h->current.log_offset ||
		other->log_length != h->current.log_length ||
		!vhd_guid_equal(&other->log_guid, &h->current.log_guid));
}

int vhdx_header_choose(const struct vhd_source *source,
		       uint8_t scratch[VHDX_HEADER_SIZE],
		       struct vhdx_headers *out, struct vhd_diag *diag)
{
	struct vhdx_header first, second;
	bool valid1, valid2, newer2;
	int rc = read_slot(source, VHDX_HEADER1_OFFSET, scratch, &first,
			   &valid1, diag);

	if (!rc)
		rc = read_slot(source, VHDX_HEADER2_OFFSET, scratch, &second,
			       &valid2, diag);
	if (rc)
		return rc;
	if (!valid1 && !valid2)
		return vhd_fail(diag, VHD_E_CORRUPT, structure,
				VHDX_HEADER1_OFFSET,
				"neither header has a valid checksum");
	/* Disk2vhd writes the same header twice. 4.2 rule 4 */
	if (valid1 && valid2 && first.sequence == second.sequence &&
	    !same(&first, &second))
		return vhd_fail(diag, VHD_E_CORRUPT, structure,
				VHDX_HEADER1_OFFSET,
				"two different headers carry the same sequence "
				"number");
	newer2 = valid2 && (!valid1 || second.sequence > first.sequence);
	*out = (struct vhdx_headers){
		.current = newer2 ? second : first,
		.offset = newer2 ? VHDX_HEADER2_OFFSET : VHDX_HEADER1_OFFSET,
		.other_is_valid = valid1 && valid2,
		.other_has_log = valid1 && valid2 &&
				 !vhd_guid_is_null(newer2 ? &first.log_guid
							  : &second.log_guid),
	};
	return check(out, source->size, diag);
}

int vhdx_identifier_read(const struct vhd_source *source,
			 uint8_t scratch[VHDX_IDENTIFIER_SIZE],
			 uint8_t creator[VHDX_CREATOR_BYTES],
			 struct vhd_diag *diag)
{
	static const char name[] = "VHDX file identifier";
	int rc;

	if (source->size < VHDX_IDENTIFIER_SIZE)
		return vhd_fail_value(diag, VHD_E_FORMAT, name, 0,
				      "a file of % bytes is no VHDX",
				      source->size);
	rc = vhd_source_read(source, 0, scratch, VHDX_IDENTIFIER_SIZE);
	if (rc)
		return vhd_fail(diag, rc, name, 0, "cannot be read");
	if (memcmp(scratch, "vhdxfile", 8) != 0)
		return vhd_fail(diag, VHD_E_FORMAT, name, 0,
				"the signature 'vhdxfile' is missing");
	memcpy(creator, scratch + 8, VHDX_CREATOR_BYTES);
	return 0;
}
