/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvhd/error.h>

static const char *const texts[] = {
	[0] = "done",
	[-VHD_E_NOMEM] = "out of memory",
	[-VHD_E_IO] = "the host failed to read or write",
	[-VHD_E_NOENT] = "no such file",
	[-VHD_E_ACCESS] = "permission denied",
	[-VHD_E_EXISTS] = "the file exists",
	[-VHD_E_NOSPACE] = "no space left on the host",
	[-VHD_E_READONLY] = "opened read-only",
	[-VHD_E_BUSY] = "the image is in use by another program",
	[-VHD_E_INVALID] = "invalid argument",
	[-VHD_E_RANGE] = "past the end of the disk",
	[-VHD_E_ALIGN] = "not a whole number of sectors",
	[-VHD_E_FORMAT] = "not an image of this format",
	[-VHD_E_CORRUPT] = "the image is corrupt",
	[-VHD_E_UNSUPPORTED] = "not supported",
	[-VHD_E_LIMIT] = "a limit of this program is exceeded",
	[-VHD_E_PARENT] = "the parent was not found",
	[-VHD_E_MISMATCH] = "not the parent the child was made of",
	[-VHD_E_LOOP] = "the chain of parents comes back to itself",
	[-VHD_E_LOG] = "the log holds no valid entry",
	[-VHD_E_CANCELED] = "canceled",
	[-VHD_E_REPAIR] = "the image needs a repair first",
	[-VHD_E_CHILDREN] = "the image is the parent of others",
	[-VHD_E_DATA] = "data would be lost",
};

const char *vhd_strerror(int error)
{
	int count = (int)(sizeof(texts) / sizeof(texts[0]));

	if (error > 0 || error <= -count)
		return "unknown error";
	return texts[-error];
}
