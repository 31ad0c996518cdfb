/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd_image: one image file. It answers where bytes of the virtual disk lie
 * (DATA at a file offset, ZERO, or PARENT) and everything else that is known of
 * the file. Chains of parents are a vhd_disk's business (disk.h).
 *
 * Reading functions may be called from many threads at once; mapping a block
 * whose table page is in memory takes no lock. Opening and closing may not
 * overlap with anything else on the same image.
 */
#ifndef LIBVHD_IMAGE_H
#define LIBVHD_IMAGE_H

#include "file.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vhd_image;

/* How the size of a VHD follows from its footer; docs/design.md, "Size". */
enum vhd_size_rule {
	VHD_SIZE_CURRENT = 0, /* current size: Windows, and the default */
	VHD_SIZE_CHS = 1,     /* geometry: what Virtual PC's guests saw */
	VHD_SIZE_QEMU = 2,    /* what QEMU 10 does, by the creator */
};

/* Verify the whole block table at open: every entry in place, none
 * overlapping; refuse a log without a valid entry. Reads only what is not a
 * hole in the host file. */
#define VHD_IMAGE_VERIFY (1u << 0)
/* Open for writing, which implies VERIFY. The file must be writable. A dirty
 * VHDX log is replayed into it, a lost VHD footer restored. */
#define VHD_IMAGE_WRITE (1u << 2)
/* Salvage: take every sector of an allocated VHD block as stored, whatever
 * its sector bitmap says (docs/formats: "sector bitmap"). */
#define VHD_IMAGE_IGNORE_BITMAP (1u << 1)

/* For writing: what a guest reads, the size included, will not change (blocks
 * are moved, zeros become metadata, locators are rewritten). A VHDX then keeps
 * its DataWriteGuid, so that its children go on accepting it. vhdx.md 4.3 */
#define VHD_IMAGE_SAME_CONTENT (1u << 3)

struct vhd_image_options {
	size_t size;        /* sizeof(struct vhd_image_options) */
	int format;         /* enum vhd_format; never guessed */
	uint32_t flags;     /* VHD_IMAGE_* */
	uint32_t size_rule; /* enum vhd_size_rule */
};

#define VHD_GUID_TEXT_SIZE 37

/* Everything simple that is known of an image. Text is UTF-8 and printable. */
struct vhd_image_info {
	int format; /* enum vhd_format */
	int type;   /* enum vhd_type; FIXED for raw */
	uint64_t virtual_size;
	uint64_t file_size;      /* bytes of the file */
	uint64_t allocated_size; /* bytes on the host */
	uint32_t block_size;     /* 0 for raw and fixed VHD */
	uint32_t logical_sector_size;
	uint32_t physical_sector_size;
	uint64_t total_blocks; /* 0 where there are none */
	uint64_t table_blocks; /* the block table has room for so many */
	uint32_t conditions;   /* mask of enum vhd_condition */

	/* identity of the disk: VHD unique id, VHDX virtual disk id */
	struct vhd_guid id;
	char id_text[VHD_GUID_TEXT_SIZE];
	/* what a child records of this image: VHD unique id, VHDX
	 * DataWriteGuid */
	struct vhd_guid link_id;
	char link_id_text[VHD_GUID_TEXT_SIZE];
	/* differencing: what this image expects of its parent */
	struct vhd_guid parent_id;
	char parent_id_text[VHD_GUID_TEXT_SIZE];

	char creator[768];        /* creator field, for a person */
	char creator_name[32];    /* program behind a VHD creator code, or "" */
	uint32_t creator_version; /* VHD: major << 16 | minor */
	int64_t timestamp;        /* Unix time, VHD creation; 0 for VHDX */

	/* VHD geometry */
	uint32_t cylinders;
	uint32_t heads;
	uint32_t sectors;
	/* VHDX */
	uint64_t log_offset;
	uint64_t log_length;
	uint64_t header_sequence;
	char file_write_id_text[VHD_GUID_TEXT_SIZE];
	char log_id_text[VHD_GUID_TEXT_SIZE]; /* "" if the log is clean */
	uint64_t bat_offset;
	/* payload of every stored block lies on 4 KiB (1) or not (0) is not
	 * computed at open; see vhd_image_usage() */
	uint32_t saved_state;
	uint32_t hidden;
};

/* One place an image names for its parent. */
struct vhd_parent_hint {
	/* VHDX key ("relative_path") or VHD platform code ("W2ru"), or
	 * "name" for the parent name in a VHD header */
	char key[32];
	/* the path as stored, escaped for printing */
	char stored[1024];
	/* normalised: '/' separators; "" if unusable */
	char path[1024];
	int relative; /* may be looked up below the child's folder */
};

/*
 * Opens `file` as an image. On success the image owns the file; on failure
 * the caller still does. Without VHD_IMAGE_WRITE nothing is written: a dirty
 * VHDX log is replayed in memory.
 *
 * Errors: VHD_E_FORMAT, _CORRUPT, _UNSUPPORTED, _LIMIT, _LOG, _IO, _NOMEM; for
 * writing also VHD_E_READONLY, _REPAIR.
 */
int vhd_image_open(struct vhd_file *file,
		   const struct vhd_image_options *options,
		   struct vhd_image **out, struct vhd_diag *diag);

void vhd_image_close(struct vhd_image *image);

void vhd_image_get_info(struct vhd_image *image, struct vhd_image_info *info);

uint64_t vhd_image_size(const struct vhd_image *image);
uint32_t vhd_image_sector_size(const struct vhd_image *image);
int vhd_image_format(const struct vhd_image *image);
/* 1 if the image is differencing */
int vhd_image_has_parent(const struct vhd_image *image);
uint32_t vhd_image_conditions(const struct vhd_image *image);

/* The file, with a dirty log already applied on top; owned by the image. */
struct vhd_file *vhd_image_file(struct vhd_image *image);

/*
 * A descriptor from which [offset, offset + length) may be read directly, for
 * splice and copy_file_range, or -1 (no descriptor, or a replayed log covers a
 * part of the range).
 */
int vhd_image_data_fd(struct vhd_image *image, uint64_t offset,
		      uint64_t length);

/*
 * The longest run at `offset`, at most `length` bytes, stored in one way.
 * length > 0 and the range inside the disk, else VHD_E_RANGE.
 */
int vhd_image_extent(struct vhd_image *image, uint64_t offset, uint64_t length,
		     struct vhd_extent *out, struct vhd_diag *diag);

/*
 * What the block table holds. Reads all of it that is not a hole in the host
 * file; VHD_E_LIMIT, without reading, if that is more than `most` bytes (0: no
 * limit).
 */
struct vhd_image_usage {
	uint64_t allocated_blocks; /* with space in the file */
	uint64_t partial_blocks;   /* VHDX PARTIALLY_PRESENT */
	uint64_t zero_blocks;      /* VHDX ZERO, UNMAPPED, UNDEFINED */
	uint64_t aligned_blocks;   /* allocated with data on 4 KiB */
	uint64_t end;              /* file offset behind the last object */
};
int vhd_image_usage(struct vhd_image *image, uint64_t most,
		    struct vhd_image_usage *out, struct vhd_diag *diag);

/*
 * The index-th place the image names for its parent. VHD_E_RANGE behind the
 * last, VHD_E_NOENT for an empty or malformed slot (go on with the next).
 */
int vhd_image_parent_hint(struct vhd_image *image, unsigned index,
			  struct vhd_parent_hint *out);

/* An item of the metadata region of a VHDX. vhdx.md 6 */
struct vhd_metadata_item {
	struct vhd_guid id;
	char id_text[VHD_GUID_TEXT_SIZE];
	const char *name; /* of a known item, or NULL; static */
	uint32_t length;  /* bytes */
	int user;         /* 1: made by a program for its own use */
	int virtual_disk; /* 1: goes with the disk, from parent to child */
	int required;     /* 1: who does not know it must not open the image */
};

/*
 * The index-th item of a VHDX. VHD_E_RANGE behind the last and for other
 * formats.
 */
int vhd_image_metadata(struct vhd_image *image, unsigned index,
		       struct vhd_metadata_item *out);

/*
 * The bytes of a user item, at most `room`, and their number. VHD_E_NOENT,
 * VHD_E_LIMIT if there are more, VHD_E_UNSUPPORTED for other formats.
 */
int vhd_image_metadata_read(struct vhd_image *image, const struct vhd_guid *id,
			    void *bytes, size_t room, uint32_t *length);

/* 0 if `parent` has the identity `child` was made of, else VHD_E_MISMATCH. */
int vhd_image_check_parent(struct vhd_image *child, struct vhd_image *parent,
			   struct vhd_diag *diag);

/* -- looking inside, for tools ------------------------------------------- */

enum vhd_severity {
	VHD_SEVERITY_REMARK = 0,  /* worth knowing, no fault */
	VHD_SEVERITY_LEAK = 1,    /* space that nothing refers to */
	VHD_SEVERITY_ERROR = 2,   /* damage that readers work around */
	VHD_SEVERITY_CORRUPT = 3, /* content is wrong or lost */
};

/* Whether and how check --repair (vhd_repair()) mends a finding. */
enum vhd_repairable {
	VHD_REPAIRABLE_NO = 0,
	VHD_REPAIRABLE_LOSSLESS = 1, /* nothing that can be read is lost */
	VHD_REPAIRABLE_SALVAGE = 2,  /* VHD_REPAIR_SALVAGE: what cannot be
					read any more may be lost for good */
};

/* One finding of a check. Strings are valid during the callback. */
struct vhd_fault {
	const char *code;      /* "bat-overlap": stable, for programs */
	const char *structure; /* "VHDX header" */
	uint64_t offset;       /* in the file, or VHD_NO_OFFSET */
	int severity;          /* enum vhd_severity */
	const char *message;   /* what is wrong and what follows from it */
	int repairable;        /* enum vhd_repairable */
	uint64_t leaked;       /* LEAK: bytes */
	/* the range of the disk it concerns; length 0: none in particular */
	uint64_t start;
	uint64_t length;
};
typedef void vhd_fault_fn(void *ctx, const struct vhd_fault *fault);

/*
 * Checks one image file completely: all copies of all structures, the whole
 * block table, bitmaps, log, space. Faults go to the callback. Returns 0 when
 * the check itself could be done, whatever it found; an error only if the file
 * could not be read at all. `file` stays the caller's.
 */
int vhd_image_check(struct vhd_file *file, int format, vhd_fault_fn *fault,
		    void *ctx, struct vhd_diag *diag);

/* One field of an on-disk structure. Strings are valid during the callback. */
struct vhd_field {
	const char *structure; /* "VHD footer" */
	uint64_t base;         /* file offset of the structure */
	const char *name;      /* "current_size" */
	uint32_t offset;       /* in the structure */
	uint32_t size;         /* bytes */
	const char *value;     /* printable */
};
typedef void vhd_field_fn(void *ctx, const struct vhd_field *field);

/*
 * Shows every structure of a file field by field, also of a damaged one:
 * what cannot be read or makes no sense is said as a field of its own.
 */
int vhd_image_dump(struct vhd_file *file, int format, vhd_field_fn *field,
		   void *ctx, struct vhd_diag *diag);

/* One place of the VHDX log ring where an entry begins or seems to. */
struct vhd_log_entry {
	uint64_t offset; /* in the file */
	uint64_t length;
	uint64_t sequence;
	uint64_t tail; /* file offset */
	uint32_t descriptors;
	uint32_t data_sectors;
	uint64_t flushed_file_offset;
	uint64_t last_file_offset;
	int valid;       /* 1 if the entry checks out */
	int active;      /* 1 if it would be replayed */
	const char *why; /* what makes it invalid, or NULL */
};
typedef void vhd_log_entry_fn(void *ctx, const struct vhd_log_entry *entry);

/* What the log says as a whole. */
struct vhd_log_info {
	uint64_t offset;
	uint64_t length;
	char id_text[VHD_GUID_TEXT_SIZE]; /* "" if null: the log is clean */
	int verdict; /* 0 clean or replayable, or VHD_E_LOG, _CORRUPT */
	uint32_t active_entries;
	uint32_t active_descriptors;
	uint64_t tail_sequence;
	uint64_t head_sequence;
};

/* Lists the log of a VHDX. VHD_E_UNSUPPORTED for other formats. */
int vhd_image_log(struct vhd_file *file, vhd_log_entry_fn *entry, void *ctx,
		  struct vhd_log_info *info, struct vhd_diag *diag);

#ifdef __cplusplus
}
#endif

#endif
