/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "core/condition.h"
#include "core/diag.h"

Test(diag, numbers_are_printed_in_decimal)
{
	static const struct {
		uint64_t value;
		const char *text;
	} rows[] = {
		{0, "[0]"},
		{7, "[7]"},
		{10, "[10]"},
		{4294967296u, "[4294967296]"},
		{UINT64_MAX, "[18446744073709551615]"},
	};
	struct vhd_diag diag = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(vhd_fail_value(&diag, VHD_E_CORRUPT, "s", 5, "[%]",
					    rows[i].value),
			     VHD_E_CORRUPT);
		cr_expect_str_eq(diag.text, rows[i].text);
	}
	cr_expect_eq(diag.error, VHD_E_CORRUPT);
	cr_expect_eq(diag.offset, 5);
	cr_expect_str_eq(diag.structure, "s");
}

Test(diag, long_sentences_are_cut_and_terminated)
{
	struct vhd_diag diag;
	char text[400];

	memset(text, 'x', sizeof(text));
	text[250] = '%';
	text[sizeof(text) - 1] = '\0';
	vhd_fail_value(&diag, VHD_E_IO, NULL, 0, text, UINT64_MAX);
	cr_expect_eq(strlen(diag.text), sizeof(diag.text) - 1);
}

Test(diag, a_null_diag_is_fine)
{
	cr_expect_eq(vhd_fail(NULL, VHD_E_LOG, "s", 0, "t"), VHD_E_LOG);
	cr_expect_eq(vhd_hint(NULL, VHD_E_LOG, "h"), VHD_E_LOG);
}

Test(diag, a_new_failure_forgets_the_old_hint)
{
	struct vhd_diag diag = {0};

	vhd_fail(&diag, VHD_E_LOG, "s", 0, "t");
	vhd_hint(&diag, VHD_E_LOG, "h");
	cr_expect_str_eq(diag.hint, "h");
	vhd_fail(&diag, VHD_E_LOG, "s", 0, "t");
	cr_expect_null(diag.hint);
}

Test(diag, every_error_has_a_sentence)
{
	for (int e = 0; e >= VHD_E_DATA; e--)
		cr_expect_str_neq(vhd_strerror(e), "unknown error", "%d", e);
	cr_expect_str_eq(vhd_strerror(1), "unknown error");
	cr_expect_str_eq(vhd_strerror(VHD_E_DATA - 1), "unknown error");
	cr_expect_str_eq(vhd_strerror(-2147483647 - 1), "unknown error");
}

Test(diag, every_condition_bit_has_one_row)
{
	uint32_t seen = 0;
	size_t count;
	const struct vhd_condition_row *rows = vhd_condition_rows(&count);

	for (size_t i = 0; i < count; i++) {
		cr_expect_eq(seen & rows[i].bit, 0, "row %zu", i);
		cr_expect(rows[i].code && rows[i].structure && rows[i].text);
		seen |= rows[i].bit;
	}
	cr_expect_eq(seen, 2 * VHD_COND_ENCRYPTED - 1);
}
