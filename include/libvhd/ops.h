/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on whole disks. Each reports progress to a vhd_job, can be
 * cancelled through it, and leaves no half-made file behind.
 */
#ifndef LIBVHD_OPS_H
#define LIBVHD_OPS_H

#include "disk.h"
#include "job.h"

#ifdef __cplusplus
extern "C" {
#endif

/* -- convert -------------------------------------------------------------- */

enum vhd_reflink {
	VHD_REFLINK_AUTO = 0,	/* share extents where the host can */
	VHD_REFLINK_ALWAYS = 1, /* or fail */
	VHD_REFLINK_NEVER = 2,
};

/* compress the output (zlib); for streams and raw files */
#define VHD_CONVERT_GZIP (1u << 0)
/* replace an existing file */
#define VHD_CONVERT_FORCE (1u << 1)
/* read the result back and compare */
#define VHD_CONVERT_VERIFY (1u << 2)

struct vhd_convert_options {
	size_t size;	/* sizeof(struct vhd_convert_options) */
	uint32_t flags; /* VHD_CONVERT_* */
	int format;	/* output: VHD_FORMAT_RAW */
	int reflink;	/* enum vhd_reflink */
	unsigned jobs;	/* requests in flight; 0: a good number */
};

/*
 * Writes the whole disk to a new file at `path`, or to a stream if path is
 * "-" (descriptor 1). A file is written without a name or under a temporary
 * one, flushed, and named when complete: after any failure or kill, `path` is
 * what it was. Ranges that read as zeros become holes.
 *
 * VHD_E_EXISTS without VHD_CONVERT_FORCE; VHD_E_NOSPACE; VHD_E_UNSUPPORTED
 * where reflink ALWAYS cannot be met; VHD_E_MISMATCH if verifying fails.
 */
int vhd_convert(struct vhd_disk *disk, const char *path,
		const struct vhd_convert_options *options, struct vhd_job *job,
		struct vhd_diag *diag);

/* -- hash ----------------------------------------------------------------- */

/* Digests of one pass over a disk or file. */
struct vhd_digest {
	const char *algorithm; /* in: an OpenSSL name, "sha256" */
	char hex[129];	       /* out: lower-case */
};

/* VHD_E_UNSUPPORTED for an unknown algorithm or a build without OpenSSL. */
int vhd_hash(struct vhd_disk *disk, struct vhd_digest *digests, size_t count,
	     struct vhd_job *job, struct vhd_diag *diag);

/* The same over the bytes of a file. */
int vhd_hash_file(struct vhd_file *file, struct vhd_digest *digests,
		  size_t count, struct vhd_job *job, struct vhd_diag *diag);

/* -- compare -------------------------------------------------------------- */

struct vhd_compare_result {
	int equal;		   /* 1 or 0 */
	uint64_t first_difference; /* disk offset; the shorter disk's size if
				      only the tail differs */
};

/*
 * Compares the content of two disks. Where one is larger, the rest must be
 * zeros to count as equal.
 */
int vhd_compare(struct vhd_disk *a, struct vhd_disk *b,
		struct vhd_compare_result *out, struct vhd_job *job,
		struct vhd_diag *diag);

/* -- check ---------------------------------------------------------------- */

/* Adds the chain to vhd_image_check(): parents found, identities, loops. */
#define VHD_CHECK_PARENTS (1u << 0) /* look for parents (leaf only checked) */
#define VHD_CHECK_CHAIN (1u << 1)   /* check each layer as well */

struct vhd_check_result {
	uint64_t errors;      /* faults of severity ERROR */
	uint64_t corruptions; /* faults of severity CORRUPT */
	uint64_t leaks;	      /* bytes of file nothing refers to */
	uint64_t end;	      /* file offset behind the last object */
	unsigned layers;      /* checked */
};

/* As vhd_fault_fn, with the layer's path. */
typedef void vhd_check_fn(void *ctx, const char *path,
			  const struct vhd_fault *fault);

/*
 * Checks the image at `path`. Returns 0 when the check could be done,
 * whatever it found.
 */
int vhd_check(const char *path, const struct vhd_disk_options *options,
	      uint32_t flags, vhd_check_fn *fault, void *ctx,
	      struct vhd_check_result *out, struct vhd_diag *diag);

#ifdef __cplusplus
}
#endif

#endif
