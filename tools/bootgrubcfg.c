/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel is looked for when GRUB starts, not now: GRUB reads all file
 * systems that a Linux may lie on, and what it finds is what is there then.
 * Without a kernel where distributions have links to their newest one, the menu
 * inside the image is used.
 */
#include "bootgrubcfg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootfiles.h"
#include "command.h"
#include "diag.h"
#include "memory.h"

#define VALUE_MAX 1024u

/* kernel, and initramfs */
static const char *const kernels[][2] = {
	{"/vmlinuz", "/initrd.img"},                          /* Debian */
	{"/boot/vmlinuz", "/boot/initrd.img"},                /* Ubuntu */
	{"/boot/vmlinuz", "/boot/initrd"},                    /* openSUSE */
	{"/boot/vmlinuz-linux", "/boot/initramfs-linux.img"}, /* Arch */
};

static const char *const menus[] = {
	"/boot/grub/grub.cfg",
	"/boot/grub2/grub.cfg",
	"/grub/grub.cfg",
	"/grub2/grub.cfg",
};

/* GRUB's modules for what libblkid calls so */
static const char *const modules[][2] = {
	{"vfat", "fat"},         {"exfat", "exfat"}, {"ext2", "ext2"},
	{"ext3", "ext2"},        {"ext4", "ext2"},   {"xfs", "xfs"},
	{"btrfs", "btrfs"},      {"ntfs", "ntfs"},   {"f2fs", "f2fs"},
	{"squashfs", "squash4"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- words -------------------------------------------------------------------
 */

/* between single quotes, where only they have a meaning */
static void put_quoted(FILE *out, const char *text, size_t length)
{
	putc('\'', out);
	for (; length; text++, length--) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			putc(*text, out);
	}
	putc('\'', out);
}

static void put_word(FILE *out, const char *text)
{
	put_quoted(out, text, strlen(text));
}

/* words of the kernel's command line, one by one: GRUB puts a word with blanks
 * between double quotes again */
static void put_words(FILE *out, const char *text)
{
	while (*(text += strspn(text, " "))) {
		size_t n = strcspn(text, " ");

		putc(' ', out);
		put_quoted(out, text, n);
		text += n;
	}
}

static int check_word(const char *what, const char *text)
{
	size_t n = strcspn(text, "'\"\\");
	int rc = boot_install_line(what, text, VALUE_MAX);

	if (rc || !text[n])
		return rc;
	return diag_error(text,
			  "%s with %c in it cannot be passed to a kernel "
			  "by GRUB",
			  what, text[n]);
}

static int check_words(const struct boot_install *install,
		       const struct boot_host *host)
{
	int rc = check_word("a path", host->path);

	if (!rc)
		rc = check_word("a volume", host->volume);
	if (!rc)
		rc = boot_install_line("a title", install->title, VALUE_MAX);
	if (!rc && install->options)
		rc = check_word("options", install->options);
	return rc;
}

/* -- the entry ---------------------------------------------------------------
 */

static void put_module(FILE *out, const char *type)
{
	for (size_t i = 0; i < COUNT(modules); i++) {
		if (strcmp(modules[i][0], type) == 0)
			fprintf(out, "\tinsmod %s\n", modules[i][1]);
	}
}

static void put_modules(FILE *out, const struct boot_host *host,
			const struct boot_check *check)
{
	fputs("\tinsmod part_gpt\n\tinsmod part_msdos\n", out);
	put_module(out, host->type);
	for (size_t i = 0; check && i < check->system_count; i++)
		put_module(out, check->systems[i].type);
	fputs("\tinsmod vhd\n", out);
}

static void put_host(FILE *out, const struct boot_host *host)
{
	const char *value = strchr(host->volume, '=') + 1;
	bool uuid = strncmp(host->volume, "UUID=", 5) == 0;

	fprintf(out, "\tsearch --no-floppy %s --set=vhd_host ",
		uuid ? "--fs-uuid" : "--label");
	put_word(out, value);
	fputs("\n\tvhd vhd0 ($vhd_host)", out);
	put_word(out, host->path);
	putc('\n', out);
}

static void put_disks(FILE *out, const struct boot_check *check)
{
	for (size_t i = 0; check && i < check->system_count; i++) {
		const char *partition = check->systems[i].partition;

		fprintf(out, " vhd0%s%s", *partition ? "," : "", partition);
	}
	if (check)
		return;
	fputs(" vhd0", out);
	for (unsigned i = 1; i <= 8; i++)
		fprintf(out, " vhd0,gpt%u vhd0,msdos%u", i, i);
}

/* The links to a kernel may lead to a partition that is mounted there: then it
 * cannot be loaded, and the search goes on. */
static void put_kernel(FILE *out, const char *const pair[2],
		       const char *vhdroot, const char *options)
{
	fprintf(out,
		"if [ -f ($vhd_disk)%s -a -f ($vhd_disk)%s ]; then\n"
		"\t\t\tset root=$vhd_disk\n"
		"\t\t\tprobe --set=vhd_uuid --fs-uuid ($vhd_disk)\n"
		"\t\t\tif linux %s root=UUID=$vhd_uuid ro ",
		pair[0], pair[1], pair[0]);
	put_word(out, vhdroot);
	put_words(out, options);
	fprintf(out,
		"; then\n"
		"\t\t\t\tinitrd %s\n"
		"\t\t\t\tset vhd_found=1\n"
		"\t\t\t\tbreak\n"
		"\t\t\tfi\n",
		pair[1]);
}

static void put_menu(FILE *out, const char *menu)
{
	fprintf(out,
		"\t\telif [ -f ($vhd_disk)%s ]; then\n"
		"\t\t\tset root=$vhd_disk\n"
		"\t\t\tset vhd_found=1\n"
		"\t\t\tconfigfile %s\n"
		"\t\t\tbreak\n",
		menu, menu);
}

static void put_choice(FILE *out, const char *vhdroot, const char *options)
{
	for (size_t i = 0; i < COUNT(kernels); i++) {
		fputs(i ? "\t\tel" : "\t\t", out);
		put_kernel(out, kernels[i], vhdroot, options);
	}
	for (size_t i = 0; i < COUNT(menus); i++)
		put_menu(out, menus[i]);
	fputs("\t\tfi\n", out);
}

static void put_entry(FILE *out, const struct boot_install *install,
		      const struct boot_host *host,
		      const struct boot_check *check)
{
	char *vhdroot = boot_text("vhdroot=%s:%s", host->volume, host->path);

	fputs("menuentry ", out);
	put_word(out, install->title);
	fprintf(out, " --class gnu-linux --class os --id vhd-%s {\n",
		install->name);
	put_modules(out, host, check);
	put_host(out, host);
	fputs("\tset vhd_found=\n\tfor vhd_disk in", out);
	put_disks(out, check);
	fputs("; do\n", out);
	put_choice(out, vhdroot, install->options ? install->options : "");
	fputs("\tdone\n"
	      "\tif [ -z \"$vhd_found\" ]; then\n"
	      "\t\techo 'No kernel and no menu was found in the image.'\n"
	      "\t\tsleep --interruptible 10\n"
	      "\tfi\n}\n",
	      out);
	free(vhdroot);
}

char *boot_grub_script(const struct boot_install *install,
		       const struct boot_host *host,
		       const struct boot_check *check)
{
	char *text = NULL;
	size_t length;
	FILE *out;

	if (check_words(install, host))
		return NULL;
	out = open_memstream(&text, &length);
	tool_must(out);
	fputs("#!/bin/sh\n# Made by vhdtool boot-install, which takes it away "
	      "again.\ncat <<'END_OF_VHD_ENTRY'\n",
	      out);
	put_entry(out, install, host, check);
	fputs("END_OF_VHD_ENTRY\n", out);
	if (fclose(out))
		tool_must(NULL);
	return text;
}
