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

/* bits of a mask: 1 << VHD_FORMAT_* */
static int looks_like(const struct vhd_source *source)
{
	int vhdx = has_mark(source, 0, "vhdxfile");
	int vhd = has_mark(source, source->size - FOOTER, "conectix") ||
		  has_mark(source, source->size - FOOTER_OLD, "conectix");

	/* the end may be lost; the copy of a sparse VHD is at the start */
	vhd = vhd || has_mark(source, 0, "conectix");
	return vhd << VHD_FORMAT_VHD | vhdx << VHD_FORMAT_VHDX;
}

static int refuse(const char *path, const char *why)
{
	grub_error(GRUB_ERR_BAD_FILE_TYPE, "%s: %s", vhd_short(path), why);
	return 0;
}

int vhd_format_of(const struct vhd_source *source, const char *path)
{
	int named = format_of_name(path);
	int found = looks_like(source);

	if (grub_errno) {
		vhd_complain(path, VHD_E_IO, &(struct vhd_diag){0});
		return 0;
	}
	if (!named && found == 1 << VHD_FORMAT_VHD)
		return VHD_FORMAT_VHD;
	if (!named && found == 1 << VHD_FORMAT_VHDX)
		return VHD_FORMAT_VHDX;
	if (!named)
		return refuse(path, found ? "looks like a VHD and like a VHDX; "
					    "name it .vhd or .vhdx"
					  : "is neither a VHD nor a VHDX");
	/* if only the name says it, the reader knows what is damaged */
	if (!found || found & 1 << named)
		return named;
	return refuse(path, named == VHD_FORMAT_VHD
				    ? "is a VHDX, not a VHD; rename it"
				    : "is a VHD, not a VHDX; rename it");
}
