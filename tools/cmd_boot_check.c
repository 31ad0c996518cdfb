/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool boot-check: which loaders can start an image, and why others not. */
#include <stdio.h>
#include <stdlib.h>

#include "bootcheck.h"
#include "command.h"
#include "escape.h"
#include "format.h"
#include "json.h"

static struct {
	struct open_options open;
	bool json;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .target = &opt.json,
	 .help = "one JSON document"},
	OPEN_SHARE_OPTION(opt.open),
	{0},
};

static json_t *way_json(const struct boot_reasons *reasons)
{
	json_t *out = json_new_object(), *list = json_new_array();

	for (size_t i = 0; i < reasons->count; i++)
		json_add(list, json_new_text(reasons->items[i]));
	json_put_bool(out, "bootable", reasons->count == 0);
	json_put(out, "reasons", list);
	return out;
}

static int print_json(const struct boot_check *check, const char *path)
{
	json_t *out = json_new_object();

	json_put_text(out, "filename", path);
	json_put_text(out, "format", format_name(check->format));
	json_put_text(out, "type", format_type_name(check->type));
	json_put_size(out, "logical-sector-size", check->sector_size);
	json_put_size(out, "chain-length", check->layers);
	json_put_bool(out, "dirty-flag", check->log_dirty);
	json_put_text(out, "host-file-system", check->host);
	json_put_bool(out, "efi-loader", check->efi_loader);
	for (unsigned way = 0; way < BOOT_WAYS; way++)
		json_put(out, boot_way_name(way),
			 way_json(&check->reasons[way]));
	return json_print(out);
}

static void print_way(const char *name, const struct boot_reasons *reasons)
{
	printf("%-8s %s\n", name, reasons->count ? "no" : "yes");
	for (size_t i = 0; i < reasons->count; i++) {
		char *safe = escape(reasons->items[i]);

		printf("         - %s\n", safe);
		free(safe);
	}
}

static int print_text(const struct boot_check *check, const char *path)
{
	char *safe = escape(path);

	printf("%s: %s %s, sectors of %u bytes, %u layer%s, on %s\n", safe,
	       format_type_name(check->type), format_name(check->format),
	       check->sector_size, check->layers, check->layers == 1 ? "" : "s",
	       check->host);
	free(safe);
	if (check->log_dirty)
		printf("The log has pending updates; loaders apply them in "
		       "memory.\n");
	for (unsigned way = 0; way < BOOT_WAYS; way++)
		print_way(boot_way_name(way), &check->reasons[way]);
	return TOOL_DONE;
}

static int run(const char *const *arguments)
{
	struct boot_check check;
	bool any = false;
	int rc = boot_check(arguments[0], &opt.open, &check);

	if (rc)
		return rc;
	for (unsigned way = 0; way < BOOT_WAYS; way++)
		any = any || check.reasons[way].count == 0;
	rc = opt.json ? print_json(&check, arguments[0])
		      : print_text(&check, arguments[0]);
	boot_check_free(&check);
	return rc || any ? rc : TOOL_NO;
}

const struct command boot_check_command = {
	.name = "boot-check",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "can an image be started, and how",
	.description =
		"Says for each way to start a system from an image (uefi, "
		"grub, linux: a kernel's initramfs, windows: native boot) "
		"whether it would work with this one as it lies there, and why "
		"not. Parents are looked for at or below the image's folder, "
		"as the loaders do. Nothing is written.",
	.options = options,
	.examples = "  vhdtool boot-check /boot/efi/images/debian.vhdx\n"
		    "  vhdtool boot-check --json debian.vhdx",
	.exits = "  0  at least one way works\n"
		 "  1  the image is not readable\n"
		 "  2  wrong usage\n"
		 "  3  no way works",
	.run = run,
};
