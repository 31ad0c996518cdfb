/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "complain.h"

#include <grub/misc.h>

/* of the 255 bytes that a message of GRUB's may have */
#define SHORT 90

static grub_err_t error_of(int rc)
{
	switch (rc) {
	case VHD_E_NOMEM:
		return GRUB_ERR_OUT_OF_MEMORY;
	case VHD_E_IO:
		return GRUB_ERR_FILE_READ_ERROR;
	case VHD_E_NOENT:
	case VHD_E_PARENT:
		return GRUB_ERR_FILE_NOT_FOUND;
	case VHD_E_UNSUPPORTED:
		return GRUB_ERR_NOT_IMPLEMENTED_YET;
	case VHD_E_RANGE:
		return GRUB_ERR_OUT_OF_RANGE;
	default:
		return GRUB_ERR_BAD_FILE_TYPE;
	}
}

const char *vhd_short(const char *path)
{
	grub_size_t length = grub_strlen(path);

	if (length > SHORT)
		path += length - SHORT;
	while ((*path & 0xC0) == 0x80) /* not in the middle of a character */
		path++;
	return path;
}

/* GRUB's message is in the buffer that the new one goes to */
static grub_err_t repeat(const char *path)
{
	char said[GRUB_MAX_ERRMSG - SHORT];

	grub_strncpy(said, grub_errmsg, sizeof(said) - 1);
	said[sizeof(said) - 1] = '\0';
	return grub_error(grub_errno, "%s: %s", vhd_short(path), said);
}

grub_err_t vhd_complain(const char *path, int rc, const struct vhd_diag *diag)
{
	const char *text = diag->text[0] ? diag->text : vhd_strerror(rc);
	const char *structure = diag->structure ? diag->structure : "";
	const char *colon = diag->structure ? ": " : "";

	if (grub_errno)
		return repeat(path);
	if (diag->offset == VHD_NO_OFFSET || !diag->text[0])
		return grub_error(error_of(rc), "%s: %s%s%s", vhd_short(path),
				  structure, colon, text);
	return grub_error(error_of(rc), "%s: %s at %llu%s%s", vhd_short(path),
			  structure, (unsigned long long)diag->offset, colon,
			  text);
}
