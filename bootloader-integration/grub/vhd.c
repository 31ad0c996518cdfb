/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vhd.mod: VHD and VHDX images as disks of GRUB's. The module and its command.
 *
 * Once its command is there the module stays. GRUB unloads on request what has
 * disks in use, and its disk cache would take the images of a second life for
 * those of the first: they would have the same numbers.
 */
#include <grub/dl.h>
#include <grub/extcmd.h>
#include <grub/i18n.h>
#include <grub/misc.h>

#include "disk.h"
#include "version.h"

GRUB_MOD_LICENSE("GPLv3+");

static const struct grub_arg_option options[] = {
	{"delete", 'd', 0, N_("Detach the image; its file is not changed."), 0,
	 0},
	{0, 0, 0, 0, 0, 0},
};

/* What would not come back out of "(NAME,gpt1)/path". */
static int is_device_name(const char *name)
{
	if (!*name)
		return 0;
	for (; *name; name++)
		if (grub_strchr("(),/ ", *name) || (unsigned char)*name < 0x20)
			return 0;
	return 1;
}

static grub_err_t attach(const char *name, const char *path)
{
	if (!is_device_name(name))
		return grub_error(GRUB_ERR_BAD_ARGUMENT,
				  "`%s' is no name for a disk; write it as in "
				  "`vhd vhd0 FILE'",
				  name);
	return vhd_disk_attach(name, path);
}

static grub_err_t run(grub_extcmd_context_t context, int argc, char **args)
{
	int delete = context->state[0].set;

	if (argc < 1)
		return grub_error(GRUB_ERR_BAD_ARGUMENT,
				  "the name of the disk is missing");
	if (argc < 2 && !delete)
		return grub_error(GRUB_ERR_BAD_ARGUMENT,
				  "the name of the image file is missing");
	if (argc > (delete ? 1 : 2))
		return grub_error(GRUB_ERR_BAD_ARGUMENT, "too many arguments");
	return delete ? vhd_disk_detach(args[0]) : attach(args[0], args[1]);
}

GRUB_MOD_INIT(vhd)
{
	if (vhd_version_check())
		return;
	grub_dl_set_persistent(mod);
	grub_register_extcmd(
		"vhd", run, 0, N_("[-d] NAME [FILE]"),
		N_("Make the disk NAME of a VHD or VHDX image, read-only."),
		options);
	vhd_disk_start();
}
