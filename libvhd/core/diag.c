/* SPDX-License-Identifier: BSD-2-Clause */
#include "diag.h"

#include <stddef.h>

/* powers of ten: decimal output without a 64-bit division */
static const uint64_t tens[] = {
	10000000000000000000u,
	1000000000000000000u,
	100000000000000000u,
	10000000000000000u,
	1000000000000000u,
	100000000000000u,
	10000000000000u,
	1000000000000u,
	100000000000u,
	10000000000u,
	1000000000u,
	100000000u,
	10000000u,
	1000000u,
	100000u,
	10000u,
	1000u,
	100u,
	10u,
	1u,
};

static size_t put_decimal(char *out, size_t room, uint64_t value)
{
	size_t n = 0, count = sizeof(tens) / sizeof(tens[0]);

	for (size_t i = 0; i < count; i++) {
		char digit = '0';

		while (value >= tens[i]) {
			value -= tens[i];
			digit++;
		}
		if (digit == '0' && n == 0 && i + 1 < count)
			continue;
		if (n < room)
			out[n++] = digit;
	}
	return n;
}

int vhd_fail_value(struct vhd_diag *diag, int error, const char *structure,
		   uint64_t offset, const char *text, uint64_t value)
{
	size_t n = 0;

	if (!diag)
		return error;
	diag->error = error;
	diag->structure = structure;
	diag->offset = offset;
	diag->hint = NULL;
	for (; *text && n + 1 < sizeof(diag->text); text++) {
		if (*text != '%')
			diag->text[n++] = *text;
		else
			n += put_decimal(diag->text + n,
					 sizeof(diag->text) - 1 - n, value);
	}
	diag->text[n] = '\0';
	return error;
}

int vhd_fail(struct vhd_diag *diag, int error, const char *structure,
	     uint64_t offset, const char *text)
{
	return vhd_fail_value(diag, error, structure, offset, text, 0);
}

int vhd_hint(struct vhd_diag *diag, int error, const char *hint)
{
	if (diag)
		diag->hint = hint;
	return error;
}
