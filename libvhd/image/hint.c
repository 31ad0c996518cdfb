/* SPDX-License-Identifier: BSD-2-Clause */
/* Parent hints, and making text from images safe to print. */
#include "hint.h"

#include <string.h>

#include "core/path.h"
#include "image.h"

/* bytes of the UTF-8 sequence at `s`, 0 if malformed or a control character */
static size_t printable(const unsigned char *s)
{
	size_t n = s[0] < 0x80       ? 1
		   : s[0] >> 5 == 6  ? 2
		   : s[0] >> 4 == 14 ? 3
		   : s[0] >> 3 == 30 ? 4
				     : 0;

	if (s[0] < 0x20 || s[0] == 0x7F || s[0] == 0xC0 || s[0] == 0xC1 ||
	    (s[0] == 0xC2 && s[1] < 0xA0))
		return 0;
	for (size_t i = 1; i < n; i++)
		if (s[i] >> 6 != 2)
			return 0;
	return n;
}

void vhd_escape(const char *text, char *out, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *in = (const unsigned char *)text;
	size_t used = 0;

	while (*in) {
		size_t n = printable(in);

		if (used + (n ? n : 4) >= size)
			break;
		if (n) {
			memcpy(out + used, in, n);
			used += n;
			in += n;
		} else {
			out[used++] = '\\';
			out[used++] = 'x';
			out[used++] = hex[*in >> 4];
			out[used++] = hex[*in++ & 15];
		}
	}
	out[used] = '\0';
}

int vhd_hint_classify(struct vhd_parent_hint *hint)
{
	int kind;

	vhd_escape(hint->path, hint->stored, sizeof(hint->stored));
	kind = vhd_path_normalise(hint->path);
	hint->relative = kind == VHD_PATH_RELATIVE;
	if (!kind)
		hint->path[0] = '\0';
	return 0;
}

int vhd_image_parent_hint(struct vhd_image *image, unsigned index,
			  struct vhd_parent_hint *out)
{
	return image->ops->hint(image, index, out);
}
