/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vhd-attach reads from outside: words of a command line, names of images,
 * mount options, requests of NBD and ublk. Plain checks: the first that does
 * not hold ends the program.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include <libvhd.h>

#include "command.h"
#include "mountflags.h"
#include "nbdwire.h"
#include "settings.h"
#include "ublkwire.h"
#include "words.h"

static void check(int holds, const char *what, int line)
{
	if (holds)
		return;
	fprintf(stderr, "line %d: %s\n", line, what);
	exit(1);
}
#define CHECK(what) check(what, #what, __LINE__)

static int same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* -- words ------------------------------------------------------------------
 */

static void words__the_last_one_counts(void)
{
	char text[16];

	CHECK(words_get("a=1 ab=2 a=3 b", "a", text, sizeof(text)) == 1);
	CHECK(same(text, "3"));
	CHECK(words_get("aa=1 b xa=2", "a", text, sizeof(text)) == 0);
	CHECK(same(text, ""));
	CHECK(words_get("", "a", text, sizeof(text)) == 0);
	/* blanks of the kernel that are none to a person */
	CHECK(words_get("b \v\f a=4", "a", text, sizeof(text)) == 1);
}

static void words__quotes_hold_spaces(void)
{
	char text[16];

	CHECK(words_get("x a=\"b c\" d", "a", text, sizeof(text)) == 1);
	CHECK(same(text, "b c"));
	CHECK(words_get("x \"a=b c\" d", "a", text, sizeof(text)) == 1);
	CHECK(same(text, "b c"));
	CHECK(words_get("a=\"b c", "a", text, sizeof(text)) == 1);
	CHECK(same(text, "b c"));
}

static void words__too_long_is_said(void)
{
	char text[4];

	CHECK(words_get("a=123", "a", text, sizeof(text)) == 1);
	CHECK(words_get("a=1234", "a", text, sizeof(text)) == -1);
}

/* -- names of images --------------------------------------------------------
 */

static void root_name__all_kinds_of_volumes(void)
{
	struct root_name n;

	CHECK(!root_name_parse("PARTUUID=ab-01:/x/y.vhdx", &n));
	CHECK(same(n.tag, "PARTUUID") && same(n.volume, "ab-01"));
	CHECK(same(n.path, "/x/y.vhdx"));
	CHECK(!root_name_parse("LABEL=My Disk:/a b.vhd", &n));
	CHECK(same(n.tag, "LABEL") && same(n.volume, "My Disk"));
	CHECK(!root_name_parse("UUID=A:/a", &n) && same(n.tag, "UUID"));
	CHECK(!root_name_parse("PARTLABEL=A:/a", &n));
	CHECK(!root_name_parse("/dev/disk/by-path/pci-0:1:/a:/b", &n));
	CHECK(same(n.volume, "/dev/disk/by-path/pci-0:1") && !n.tag[0]);
	CHECK(same(n.path, "/a:/b"));
}

static void root_name__nonsense_is_refused(void)
{
	static const char *const bad[] = {
		"",
		"PARTUUID=a",
		"PARTUUID=:/a",
		"PARTUUID:/a",
		"part=a:/a",
		"partuuid=a:/a",
		"UUID=a:/",
		"UUID=a:/a/",
		"UUID=a:/../a",
		"UUID=a:/b/..",
		"/etc/x:/a",
		"=a:/a",
	};
	struct root_name n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		check(root_name_parse(bad[i], &n) != NULL, bad[i], __LINE__);
	CHECK(!root_name_parse("UUID=a:/..b/c..", &n));
}

static void root_name__too_long_is_refused(void)
{
	static char text[8192];
	struct root_name n;

	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "UUID=x:/", 8);
	CHECK(root_name_parse(text, &n) != NULL);
	memcpy(text, "UUID=xxx", 8);
	memcpy(text + 1000, ":/b", 4);
	CHECK(root_name_parse(text, &n) != NULL);
}

static void root_name__efi_variable(void)
{
	struct root_name n;

	CHECK(!root_name_from_efi("\6\0\0\0UUID=a:/b", 4 + 9, &n));
	CHECK(same(n.volume, "a") && same(n.path, "/b"));
	CHECK(root_name_from_efi("\6\0\0", 3, &n) != NULL);
	CHECK(root_name_from_efi("\6\0\0\0UUID=a:/b", 4 + 10, &n) != NULL);
	CHECK(root_name_from_efi("\6\0\0\0", 4, &n) != NULL);
}

/* -- all words together -----------------------------------------------------
 */

static void settings__defaults(void)
{
	struct settings s;

	CHECK(settings_from_line("quiet ro", &s) == TOOL_NO);
	CHECK(settings_from_line("vhdroot=UUID=a:/b", &s) == TOOL_DONE);
	CHECK(s.mode == ATTACH_AUTO && !s.overlay[0] && !s.flags[0]);
}

static void settings__words(void)
{
	struct settings s;

	CHECK(settings_from_line("vhdroot=UUID=a:/b vhdmode=nbd vhdtimeout=7 "
				 "vhdflags=ro,x=y vhdoverlay=/c",
				 &s) == TOOL_DONE);
	CHECK(s.mode == ATTACH_NBD && s.timeout == 7);
	CHECK(same(s.flags, "ro,x=y") && same(s.overlay, "/c"));
	CHECK(settings_from_line("vhdroot=UUID=a:/b vhdmode=ublk "
				 "vhdoverlay=tmp",
				 &s) == TOOL_DONE);
	CHECK(s.mode == ATTACH_UBLK);
}

static void settings__contradictions_are_refused(void)
{
	static const char *const bad[] = {
		"vhdmode=fuse",
		"vhdmode=ublkb",
		"vhdtimeout=x",
		"vhdtimeout=",
		"vhdoverlay=child.vhdx",
		"vhdoverlay=/../child.vhdx",
		"vhdoverlay=tmp vhdmode=dm",
		"vhdoverlay=tmp vhdmode=loop",
	};
	struct settings s;
	char line[128];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(line, sizeof(line), "vhdroot=UUID=a:/b %s", bad[i]);
		check(settings_from_line(line, &s) == TOOL_FAILED, bad[i],
		      __LINE__);
	}
}

/* -- mount options ----------------------------------------------------------
 */

static void mount_flags__flags_and_data_are_told_apart(void)
{
	unsigned long flags = MS_NODEV;
	char data[16] = "utf8=1";

	CHECK(!mount_flags_parse("ro,,dev,x=1,noatime", &flags, data,
				 sizeof(data)));
	CHECK(flags == (MS_RDONLY | MS_NOATIME));
	CHECK(same(data, "utf8=1,x=1"));
	CHECK(mount_flags_parse("too=long", &flags, data, sizeof(data)));
}

/* -- NBD --------------------------------------------------------------------
 */

static void nbdwire__request(void)
{
	static const unsigned char bytes[NBDWIRE_REQUEST_SIZE] = {
		0x25, 0x60, 0x95, 0x13, 0, 1, 0, 1, 1, 2, 3, 4, 5,    6,
		7,    8,    0,    0,    0, 1, 0, 0, 2, 0, 0, 1, 0xff, 0x01,
	};
	unsigned char wrong[NBDWIRE_REQUEST_SIZE];
	struct nbdwire_request r;

	CHECK(!nbdwire_read_request(bytes, &r));
	CHECK(r.flags == NBDWIRE_FUA && r.type == NBDWIRE_WRITE);
	CHECK(r.offset == 0x100000200 && r.length == 0x1ff01);
	CHECK(r.cookie[0] == 1 && r.cookie[7] == 8);
	memcpy(wrong, bytes, sizeof(wrong));
	wrong[0]++;
	CHECK(nbdwire_read_request(wrong, &r));
}

static void nbdwire__reply(void)
{
	static const unsigned char expected[NBDWIRE_REPLY_SIZE] = {
		0x67, 0x44, 0x66, 0x98, 0, 0, 0, 28, 1, 2, 3, 4, 5, 6, 7, 8,
	};
	unsigned char bytes[NBDWIRE_REPLY_SIZE];

	nbdwire_write_reply(bytes, expected + 8, nbdwire_error(VHD_E_NOSPACE));
	CHECK(memcmp(bytes, expected, sizeof(bytes)) == 0);
	CHECK(nbdwire_error(0) == 0 && nbdwire_error(VHD_E_CORRUPT) == 5);
}

/* -- ublk -------------------------------------------------------------------
 */

/* the numbers of <linux/ublk_cmd.h> on x86 and arm */
static void ublkwire__opcodes(void)
{
	CHECK(ublkwire_opcode(UBLKWIRE_ADD_DEV, false) == 4);
	CHECK(ublkwire_opcode(UBLKWIRE_ADD_DEV, true) == 0xc0207504);
	CHECK(ublkwire_opcode(UBLKWIRE_GET_DEV_INFO, true) == 0x80207502);
	CHECK(ublkwire_opcode(UBLKWIRE_GET_FEATURES, true) == 0x80207513);
	CHECK(ublkwire_opcode(UBLKWIRE_DEL_DEV_ASYNC, true) == 0x80207514);
	CHECK(ublkwire_opcode(UBLKWIRE_FETCH, true) == 0xc0107520);
	CHECK(ublkwire_opcode(UBLKWIRE_COMMIT_AND_FETCH, true) == 0xc0107521);
}

static void ublkwire__params(void)
{
	struct ublkwire_shape shape = {
		.size = 1 << 20,
		.logical = 512,
		.physical = 4096,
		.buffer_size = 128 << 10,
		.writable = true,
	};
	struct ublkwire_params p;

	ublkwire_fill_params(&shape, &p);
	CHECK(p.length == 64 && p.types == (UBLKWIRE_BASIC | UBLKWIRE_DISCARD));
	CHECK(p.logical_shift == 9 && p.physical_shift == 12);
	CHECK(p.sectors == 2048 && p.sectors_max == 256);
	CHECK(p.attributes == (UBLKWIRE_VOLATILE_CACHE | UBLKWIRE_CAN_FUA));
	CHECK(p.discard_granularity == 512 && p.discard_segments_max == 1);
	shape.writable = false;
	ublkwire_fill_params(&shape, &p);
	CHECK(p.types == UBLKWIRE_BASIC && p.attributes == UBLKWIRE_READ_ONLY);
}

static void ublkwire__request(void)
{
	struct ublkwire_desc desc = {
		.type_and_flags = UBLKWIRE_WRITE | 1u << 8 | 1u << 13,
		.sectors = UINT32_MAX,
		.first_sector = UINT64_C(1) << 40,
	};
	struct ublkwire_request r;

	ublkwire_read_request(&desc, &r);
	CHECK(r.type == UBLKWIRE_WRITE && r.fua && !r.no_unmap);
	CHECK(r.offset == UINT64_C(1) << 49);
	CHECK(r.length == (uint64_t)UINT32_MAX << 9);
	desc.type_and_flags = UBLKWIRE_WRITE_ZEROES | 1u << 15;
	ublkwire_read_request(&desc, &r);
	CHECK(r.type == UBLKWIRE_WRITE_ZEROES && !r.fua && r.no_unmap);
}

static void ublkwire__result(void)
{
	struct ublkwire_request r = {.type = UBLKWIRE_READ, .length = 4096};

	CHECK(ublkwire_result(&r, 0) == 4096);
	CHECK(ublkwire_result(&r, VHD_E_NOSPACE) == -ENOSPC);
	CHECK(ublkwire_result(&r, VHD_E_CORRUPT) == -EIO);
	r.type = UBLKWIRE_TRIM;
	CHECK(ublkwire_result(&r, 0) == 0);
	CHECK(ublkwire_result(&r, VHD_E_UNSUPPORTED) == -EOPNOTSUPP);
}

int main(void)
{
	words__the_last_one_counts();
	words__quotes_hold_spaces();
	words__too_long_is_said();
	root_name__all_kinds_of_volumes();
	root_name__nonsense_is_refused();
	root_name__too_long_is_refused();
	root_name__efi_variable();
	settings__defaults();
	settings__words();
	settings__contradictions_are_refused();
	mount_flags__flags_and_data_are_told_apart();
	nbdwire__request();
	nbdwire__reply();
	ublkwire__opcodes();
	ublkwire__params();
	ublkwire__request();
	ublkwire__result();
	return 0;
}
