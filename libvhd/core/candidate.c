/* SPDX-License-Identifier: BSD-2-Clause */
#include "candidate.h"

#include "vhd1_locator.h"

static int classify(char *path, enum vhd_path_kind *kind)
{
	int k = vhd_path_normalise(path);

	if (!k)
		return VHD_E_NOENT;
	*kind = (enum vhd_path_kind)k;
	return 0;
}

int vhd1_candidate(const struct vhd_source *source,
		   const struct vhd1_header *header, unsigned index,
		   uint8_t *scratch, size_t room, char *path, size_t size,
		   enum vhd_path_kind *kind)
{
	int rc;

	if (index < VHD1_LOCATORS)
		rc = vhd1_locator_path(source, header, index, scratch, room,
				       path, size);
	else
		rc = vhd1_parent_name(header, path, size) ? 0 : VHD_E_NOENT;
	return rc ? rc : classify(path, kind);
}

int vhdx_candidate(const struct vhdx_locator *locator, unsigned index,
		   char *path, size_t size, enum vhd_path_kind *kind)
{
	static const char *const keys[VHDX_CANDIDATES] = {
		"relative_path",
		"volume_path",
		"absolute_win32_path",
	};

	if (!vhdx_locator_find(locator, keys[index], path, size))
		return VHD_E_NOENT;
	return classify(path, kind);
}

int vhd_path_climbs(const char *path)
{
	for (const char *p = path; *p; p++)
		if ((p == path || p[-1] == '/') && p[0] == '.' && p[1] == '.' &&
		    (!p[2] || p[2] == '/'))
			return 1;
	return 0;
}
