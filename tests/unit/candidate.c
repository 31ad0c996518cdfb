/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "core/candidate.h"
#include "core/vhd1_locator.h"
#include "core/vhd1_open.h"
#include "support/reader.h"
#include "support/utf16.h"
#include "support/vhd1_image.h"
#include "support/vhdx_image.h"

/* names as a loader gets them, one after the other */
static void expect_names(struct reader *r, const char *const *names)
{
	char buf[256];
	unsigned i = 0;

	for (; names[i]; i++) {
		cr_assert_eq(vhd_boot_parent_path(r->boot, i, buf, sizeof(buf)),
			     0, "name %u", i);
		cr_expect_str_eq(buf, names[i]);
	}
	cr_expect_eq(vhd_boot_parent_path(r->boot, i, buf, sizeof(buf)),
		     VHD_E_NOENT);
}

Test(candidate, a_vhd_offers_its_locators_then_the_name_in_its_header)
{
	static const char *const names[] = {"sub/base.vhd", "base.vhd",
					    "golden.vhd", NULL};
	struct vhd1_image image = vhd1_image_new(&(struct vhd1_spec){
		.type = VHD_TYPE_DIFFERENCING, .size = 4u << 20});
	struct reader r;
	uint8_t text[64];
	uint32_t n = (uint32_t)utf16_le(".\\sub\\base.vhd", text, 64);

	vhd1_put_locator(&image, 3, VHD1_LOCATOR_W2RU, text, n);
	n = (uint32_t)utf16_be("C:\\vm\\golden.vhd", text, 64);
	sparse_put(image.file, VHD1_HEADER(&image, parent_name), text, n);
	vhd1_seal(&image);
	cr_assert_eq(reader_open(&r, image.file, VHD_FORMAT_VHD), 0);
	expect_names(&r, names);
	reader_drop(&r);
	vhd1_image_drop(&image);
}

Test(candidate, a_vhdx_offers_the_relative_path_first)
{
	static const struct vhdx_key keys[] = {
		{"absolute_win32_path", "C:\\vm\\abs.vhdx"},
		{"parent_linkage", "{01234567-89ab-cdef-0123-456789abcdef}"},
		{"relative_path", ".\\rel.vhdx"},
		{"volume_path", "\\\\?\\Volume{x}\\vm\\vol.vhdx"},
	};
	static const char *const names[] = {"rel.vhdx", "vol.vhdx", "abs.vhdx",
					    NULL};
	struct vhdx_image image = vhdx_image_new(&(struct vhdx_spec){
		.size = 4u << 20, .keys = keys, .key_count = 4});
	struct reader r;

	cr_assert_eq(reader_open(&r, image.file, VHD_FORMAT_VHDX), 0);
	expect_names(&r, names);
	reader_drop(&r);
	vhdx_image_drop(&image);
}

/* the class of CVE-2015-5163: a disk that names a file of its host */
Test(candidate, climbing_and_absolute_paths_give_only_their_last_part)
{
	static const struct {
		const char *stored;
		const char *name;
	} rows[] = {
		{"..\\..\\..\\etc\\passwd", "passwd"},
		{"/etc/shadow", "shadow"},
		{"\\\\evil\\share\\x.vhdx", "x.vhdx"},
		{"a/../../b.vhdx", "b.vhdx"},
		{"..", NULL},
		{"a/..", NULL},
		{"\\\\.\\", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vhdx_key keys[] = {
			{"parent_linkage",
			 "{01234567-89ab-cdef-0123-456789abcdef}"},
			{"relative_path", rows[i].stored},
		};
		const char *const names[] = {rows[i].name, NULL};
		struct vhdx_image image = vhdx_image_new(&(struct vhdx_spec){
			.size = 4u << 20, .keys = keys, .key_count = 2});
		struct reader r;

		cr_assert_eq(reader_open(&r, image.file, VHD_FORMAT_VHDX), 0);
		expect_names(&r, names);
		reader_drop(&r);
		vhdx_image_drop(&image);
	}
}

Test(candidate, an_image_without_parent_has_no_names)
{
	static const char *const none[] = {NULL};
	struct vhdx_image image =
		vhdx_image_new(&(struct vhdx_spec){.size = 4u << 20});
	struct reader r;

	cr_assert_eq(reader_open(&r, image.file, VHD_FORMAT_VHDX), 0);
	expect_names(&r, none);
	reader_drop(&r);
	vhdx_image_drop(&image);
}

Test(candidate, a_small_buffer_is_no_overflow)
{
	struct vhd1_image image = vhd1_image_new(
		&(struct vhd1_spec){.type = VHD_TYPE_DIFFERENCING,
				    .size = 4u << 20,
				    .parent_name = "base.vhd"});
	struct reader r;
	char buf[4] = "xyz";

	cr_assert_eq(reader_open(&r, image.file, VHD_FORMAT_VHD), 0);
	cr_expect_lt(vhd_boot_parent_path(r.boot, 0, buf, 3), 0);
	cr_expect_eq(buf[3], '\0');
	reader_drop(&r);
	vhd1_image_drop(&image);
}
