/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors. Every function that can fail returns 0 or one of the negative
 * VHD_E_* below; no function prints, exits, or touches errno as a result.
 *
 * The number tells a program what to do. The sentence for a person, with the
 * structure and the file offset of the culprit, is in a struct vhd_diag that
 * the caller may pass along.
 */
#ifndef LIBVHD_ERROR_H
#define LIBVHD_ERROR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vhd_error {
	VHD_OK = 0,
	/* Out of memory, or of descriptors; nothing was changed. */
	VHD_E_NOMEM = -1,
	/* The host failed to read or write (EIO), or a file ended early. */
	VHD_E_IO = -2,
	/* No such file. */
	VHD_E_NOENT = -3,
	/* The host denies access to the file. */
	VHD_E_ACCESS = -4,
	/* The output exists and overwriting was not asked for. */
	VHD_E_EXISTS = -5,
	/* The host file system is full (ENOSPC, EDQUOT, EFBIG). */
	VHD_E_NOSPACE = -6,
	/* A write to something opened or mounted read-only (EROFS). */
	VHD_E_READONLY = -7,
	/* Another program holds a lock on the image (EBUSY). */
	VHD_E_BUSY = -8,
	/* An argument makes no sense; a mistake of the caller. */
	VHD_E_INVALID = -9,
	/* The range passes the end of the disk. */
	VHD_E_RANGE = -10,
	/* Offset or length is no multiple of the logical sector size. */
	VHD_E_ALIGN = -11,
	/* The file is not an image of the format it was opened as. */
	VHD_E_FORMAT = -12,
	/* The image contradicts its format; reading on would be guessing. */
	VHD_E_CORRUPT = -13,
	/* Valid, but uses something this library does not implement. */
	VHD_E_UNSUPPORTED = -14,
	/* A limit of this implementation is exceeded (see docs/design.md). */
	VHD_E_LIMIT = -15,
	/* A differencing image's parent was not found where it may be. */
	VHD_E_PARENT = -16,
	/* A file was found, but it is not the parent the child was made of. */
	VHD_E_MISMATCH = -17,
	/* The chain of parents comes back to itself. */
	VHD_E_LOOP = -18,
	/* The VHDX log names a session but holds no valid entry. */
	VHD_E_LOG = -19,
	/* A progress callback asked to stop. */
	VHD_E_CANCELED = -20,
	/* Needs `check --repair` first; reading may still be possible. */
	VHD_E_REPAIR = -21,
	/* The image is the parent of others; a change would spoil them. */
	VHD_E_CHILDREN = -22,
	/* The disk holds data that would be lost. */
	VHD_E_DATA = -23,
};

/* Offset of a diagnostic that belongs to no place in a file. */
#define VHD_NO_OFFSET UINT64_MAX

/*
 * What went wrong, for a person. Owned and zero-initialised by the caller;
 * filled on failure, untouched on success. A NULL pointer is accepted
 * everywhere a diag is.
 */
struct vhd_diag {
	/* the VHD_E_* that was returned */
	int error;
	/* static name of the structure ("VHDX region table"), or NULL */
	const char *structure;
	/* byte offset in the file, or VHD_NO_OFFSET */
	uint64_t offset;
	/* static advice ("run vhdtool check --repair"), or NULL */
	const char *hint;
	/* what is wrong, one sentence without a full stop, UTF-8, safe to
	 * print: bytes of an image are escaped */
	char text[256];
	/* the file of a chain it was found in, "" if there is just one;
	 * escaped like text, shortened in front when too long */
	char path[256];
};

/*
 * A short static sentence for an error number ("the image is corrupt").
 * Unknown numbers give "unknown error". Safe from any thread.
 */
const char *vhd_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
