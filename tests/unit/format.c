/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <criterion/criterion.h>

#include <libvhd/boot.h>

#define SIZE 2048u

static uint8_t bytes[SIZE];

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const int *error = ctx;

	memcpy(buf, bytes + offset, len);
	return *error;
}

/* of a file of `size` bytes */
static int format_of(const char *name, uint64_t size, int error)
{
	const struct vhd_source source = {&error, read_at, size};
	struct vhd_diag diag = {0};
	int format = vhd_boot_format(&source, name, &diag);

	cr_expect((format < 0) == (diag.text[0] != '\0'));
	return format;
}

/* marks: 'x' a VHDX; 'f' a footer, 'o' one of 511 bytes, 'c' its copy */
static void mark(const char *marks)
{
	memset(bytes, 0, sizeof(bytes));
	for (; *marks; marks++) {
		size_t at = *marks == 'f'   ? SIZE - 512
			    : *marks == 'o' ? SIZE - 511
					    : 0;

		memcpy(bytes + at, *marks == 'x' ? "vhdxfile" : "conectix", 8);
	}
}

static void expect(const char *marks, const char *name, int format)
{
	mark(marks);
	cr_expect_eq(format_of(name, SIZE, 0), format, "'%s' %s", marks, name);
}

Test(format, without_a_known_name_the_content_says_it)
{
	expect("x", "disk", VHD_FORMAT_VHDX);
	expect("f", "disk", VHD_FORMAT_VHD);
	expect("o", "a.vhd/disk.img", VHD_FORMAT_VHD);
	expect("c", "disk", VHD_FORMAT_VHD);
	expect("", "disk", VHD_E_FORMAT);
}

Test(format, a_guest_cannot_make_a_vhd_a_vhdx)
{
	expect("xf", "disk.vhd", VHD_FORMAT_VHD);
	expect("xf", "disk", VHD_E_FORMAT);
	expect("xo", "disk", VHD_E_FORMAT);
}

Test(format, the_name_counts_whatever_its_case)
{
	expect("x", "/images/disk.VHDX", VHD_FORMAT_VHDX);
	expect("x", "disk.avhdx", VHD_FORMAT_VHDX);
	expect("f", "disk.Avhd", VHD_FORMAT_VHD);
	/* whose marks are lost: the reader says what is damaged */
	expect("", "disk.vhd", VHD_FORMAT_VHD);
	expect("", "disk.vhdx", VHD_FORMAT_VHDX);
}

Test(format, a_name_that_the_content_denies_is_refused)
{
	expect("x", "disk.vhd", VHD_E_FORMAT);
	expect("f", "disk.vhdx", VHD_E_FORMAT);
	expect("x", "disk.vhdx.vhd", VHD_E_FORMAT);
}

Test(format, a_short_file_and_one_that_cannot_be_read_are_errors)
{
	mark("x");
	cr_expect_eq(format_of("disk", 0, 0), VHD_E_FORMAT);
	cr_expect_eq(format_of("disk", 7, 0), VHD_E_FORMAT);
	cr_expect_eq(format_of("disk", 8, 0), VHD_FORMAT_VHDX);
	cr_expect_eq(format_of("disk", SIZE, VHD_E_IO), VHD_E_IO);
}
