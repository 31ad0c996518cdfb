/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format.h"

#include <grub/misc.h>

#include "complain.h"

#define FOOTER     512u
#define FOOTER_OLD 511u /* of programs before Virtual PC 2004 */
#define MARK       8u

static int format_of_name(const char *path)
{
	static const struct {
		const char *text;
		int format;
	} extensions[] = {
		{".vhd", VHD_FORMAT_VHD},
		{".avhd", VHD_FORMAT_VHD},
		{".vhdx", VHD_FORMAT_VHDX},
		{".avhdx", VHD_FORMAT_VHDX},
	};
	const char *slash = grub_strrchr(path, '/');
	const char *dot = grub_strrchr(slash ? slash : path, '.');

	for (unsigned i = 0; dot && i < ARRAY_SIZE(extensions); i++)
		if (grub_strcasecmp(dot, extensions[i].text) == 0)
			return extensions[i].format;
	return 0;
}

static int has_mark(const struct vhd_source *source, grub_uint64_t at,
		    const char *mark)
{
	char found[MARK];

	return at <= source->size && source->size - at >= MARK &&
	       source->read_at(source->ctx, at, found, MARK) == 0 &&
	       grub_memcmp(found, mark, MARK) == 0;
}

static int format_of_content(const struct vhd_source *source, int named)
{
	int vhdx = has_mark(source, 0, "vhdxfile");
	int vhd = has_mark(source, source->size - FOOTER, "conectix") ||
		  has_mark(source, source->size - FOOTER_OLD, "conectix");

	if (vhd && vhdx)
		return named;
	/* the end may be lost, the copy of a sparse VHD is at the start */
	vhd = vhd || has_mark(source, 0, "conectix");
	return vhdx ? VHD_FORMAT_VHDX : vhd ? VHD_FORMAT_VHD : 0;
}

int vhd_format_of(const struct vhd_source *source, const char *path)
{
	int named = format_of_name(path);
	int found = format_of_content(source, named);

	if (grub_errno) {
		vhd_complain(path, VHD_E_IO, &(struct vhd_diag){0});
		return 0;
	}
	if (!found && !named) {
		grub_error(GRUB_ERR_BAD_FILE_TYPE,
			   "%s: is neither a VHD nor a VHDX", vhd_short(path));
		return 0;
	}
	if (found && named && found != named) {
		grub_error(GRUB_ERR_BAD_FILE_TYPE,
			   "%s: is a %s, whatever its name says; rename it",
			   vhd_short(path),
			   found == VHD_FORMAT_VHD ? "VHD" : "VHDX");
		return 0;
	}
	/* if only the name says it, the reader knows what is damaged */
	return found ? found : named;
}
