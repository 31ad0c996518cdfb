/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which format a file has, where nobody says it. A guest writes the content of
 * an image, and with a fixed VHD that of the file but for its end: so the name
 * counts, and content that fits both formats is refused.
 */
#include <libvhd/boot.h>

#include "checked.h"
#include "diag.h"
#include "mem.h"
#include "path.h"
#include "vhd1_footer.h"

#define MARK 8u

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
}

static bool same(const char *a, const char *b)
{
	while (*a && lower(*a) == *b) {
		a++;
		b++;
	}
	return !*a && !*b;
}

/* 0 if it says nothing */
static int of_name(const char *name)
{
	const char *dot = NULL;

	for (const char *c = vhd_path_base(name); *c; c++)
		if (*c == '.')
			dot = c;
	if (!dot)
		return 0;
	if (same(dot, ".vhd") || same(dot, ".avhd"))
		return VHD_FORMAT_VHD;
	if (same(dot, ".vhdx") || same(dot, ".avhdx"))
		return VHD_FORMAT_VHDX;
	return 0;
}

/* adds the bit if the mark is there */
static int look(const struct vhd_source *source, uint64_t before_end,
		const char mark[MARK], int bit, int *found)
{
	uint64_t at = before_end ? source->size - before_end : 0;
	char bytes[MARK];
	int rc;

	if (before_end > source->size ||
	    !vhd_inside(at, sizeof(bytes), source->size))
		return 0;
	rc = source->read_at(source->ctx, at, bytes, sizeof(bytes));
	if (!rc && memcmp(bytes, mark, sizeof(bytes)) == 0)
		*found |= bit;
	return rc;
}

/* A sparse VHD whose end is lost has a copy of its footer at the start. */
static int of_content(const struct vhd_source *source, int *found)
{
	const int vhd = 1 << VHD_FORMAT_VHD, vhdx = 1 << VHD_FORMAT_VHDX;
	int rc = look(source, 0, "vhdxfile", vhdx, found);

	if (!rc)
		rc = look(source, 0, "conectix", vhd, found);
	if (!rc)
		rc = look(source, VHD1_FOOTER_SIZE, "conectix", vhd, found);
	if (!rc)
		rc = look(source, VHD1_FOOTER_OLD_SIZE, "conectix", vhd, found);
	return rc;
}

static int refuse(struct vhd_diag *diag, const char *why)
{
	return vhd_fail(diag, VHD_E_FORMAT, NULL, VHD_NO_OFFSET, why);
}

int vhd_boot_format(const struct vhd_source *source, const char *name,
		    struct vhd_diag *diag)
{
	int named = of_name(name), found = 0;
	int rc = of_content(source, &found);

	if (rc)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				vhd_strerror(rc));
	/* if only the name says it, the reader knows what is damaged */
	if (named && (!found || found & 1 << named))
		return named;
	if (named)
		return refuse(diag,
			      named == VHD_FORMAT_VHD
				      ? "is a VHDX, not a VHD: rename it"
				      : "is a VHD, not a VHDX: rename it");
	if (found == 1 << VHD_FORMAT_VHD)
		return VHD_FORMAT_VHD;
	if (found == 1 << VHD_FORMAT_VHDX)
		return VHD_FORMAT_VHDX;
	return refuse(diag, found ? "may be a VHD or a VHDX: name it .vhd or "
				    ".vhdx"
				  : "is neither a VHD nor a VHDX");
}
