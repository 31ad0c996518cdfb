/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "devpath.h"
#include "memory.h"

/* a controller, then partition 3 of a GPT disk */
static const uint8_t
	gpt[] = {0x02, 0x01, 0x0c, 0x00, 0xd0, 0x41, 0x03, 0x0a,
		 0,    0,    0,    0,                         /* ACPI */
		 0x04, 0x01, 0x2a, 0x00, 3,    0,    0,    0, /* drive */
		 0,    8,    0,    0,    0,    0,    0,    0,
		 0,    0,    1,    0,    0,    0,    0,    0, /* start, size */
		 0x78, 0x56, 0x34, 0x12, 0xbc, 0x9a, 0xf0, 0xde, /* signature */
		 1,    2,    3,    4,    5,    6,    7,    8,
		 2,    2,    0x7f, 0xff, 4,    0};

static uint8_t mbr[sizeof(gpt)];

static void set_up(void)
{
	memcpy(mbr, gpt, sizeof(gpt));
	memset(mbr + 36, 0, 16);
	memcpy(mbr + 36, "\x0d\xf0\xad\xba", 4);
	mbr[52] = mbr[53] = 1;
}

Test(boot_devpath, a_partition_is_named_as_the_kernel_names_it, .init = set_up)
{
	char text[DEVPATH_PARTUUID];

	cr_assert(devpath_partuuid(gpt, text));
	cr_expect_str_eq(text, "PARTUUID=12345678-9abc-def0-0102-030405060708");
	cr_assert(devpath_partuuid(mbr, text));
	cr_expect_str_eq(text, "PARTUUID=baadf00d-03");
	mbr[53] = 0; /* no signature */
	cr_expect_not(devpath_partuuid(mbr, text));
	cr_expect_not(devpath_partuuid(gpt + sizeof(gpt) - 4, text));
}

Test(boot_devpath, a_disk_lies_below_its_volume_and_files_below_the_disk)
{
	uint8_t *disk = devpath_disk(gpt, "/a/b.vhd");
	uint8_t *other = devpath_disk(gpt, "/a/c.vhd");
	uint8_t *file = devpath_file(disk, "/EFI/x.efi");
	size_t n = devpath_length(gpt);
	char text[64];

	cr_assert(disk && other && file);
	cr_expect(devpath_is_below(disk, gpt));
	cr_expect(devpath_is_below(file, disk));
	cr_expect_not(devpath_is_below(gpt, disk));
	cr_expect_not(devpath_is_below(file, other));
	cr_expect_not(devpath_same(disk, other));
	cr_expect(devpath_same(disk, disk));
	/* file: 4 + 9 units; vendor: 20; then the end */
	cr_expect_eq(devpath_length(disk), n + 4 + 18 + 20);
	cr_expect_arr_eq(disk + n, "\x04\x04\x16\x00\\\0a\0\\\0b\0", 12);
	cr_expect(devpath_file_text(disk, text, sizeof(text)));
	cr_expect_str_eq(text, "\\a\\b.vhd");
	cr_expect_not(devpath_file_text(gpt, text, sizeof(text)));
	memory_put(disk);
	memory_put(other);
	memory_put(file);
}

Test(boot_devpath, a_name_that_is_no_utf8_or_too_long_makes_no_path)
{
	char name[2000];

	cr_expect_null(devpath_disk(gpt, "/\xff"));
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	cr_expect_null(devpath_disk(gpt, name));
}

Test(boot_devpath, a_node_without_a_length_ends_a_path)
{
	static const uint8_t broken[] = {4, 4, 3, 0, 0, 0, 0, 0};

	cr_expect_eq(devpath_length(broken), 0u);
}
