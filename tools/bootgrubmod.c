/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootgrubmod.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bootfiles.h"
#include "command.h"
#include "diag.h"

#define VERSION "grub_package_version=\""
/* what stands in vhd.mod; see bootloader-integration/grub/version.c */
#define MARK "vhd.mod for GRUB "

/* The version of the GRUB in a folder; NULL: it is none. free() it. */
static char *folder_version(const char *folder)
{
	char *path = boot_text("%s/modinfo.sh", folder);
	char *text = boot_is_there(path) ? boot_text_read(path) : NULL;
	char *start = text ? strstr(text, VERSION) : NULL;
	char *version = NULL;

	if (start) {
		start += strlen(VERSION);
		version = boot_text("%.*s", (int)strcspn(start, "\"\n"), start);
	}
	free(text);
	free(path);
	return version;
}

static bool fits(const char *module, size_t length, const char *version)
{
	char *mark = boot_text(MARK "%s", version);
	bool found = memmem(module, length, mark, strlen(mark) + 1);

	free(mark);
	return found;
}

static char *find_module(const char *files, const char *platform)
{
	char *name = boot_text("%s/vhd.mod", platform);
	char *built = boot_text("../lib/grub/%s", name);
	char *installed = boot_text(VHD_GRUB_DIR "/%s", name);
	const struct boot_source source = {name, built, installed};
	char *path = boot_file_find(files, &source);

	free(installed);
	free(built);
	free(name);
	return path;
}

static int plan_file(struct boot_plan *plan, const char *target,
		     const char *module, const char *version)
{
	size_t length;
	char *bytes = boot_file_read(module, &length);
	int rc;

	if (!bytes)
		return diag_error(module, "%s", strerror(errno));
	if (fits(bytes, length, version)) {
		rc = boot_plan_file(plan, target, bytes, length, false);
	} else {
		rc = diag_error(module, "was not built for GRUB %s", version);
		diag_hint("build vhd.mod again with the GRUB that is "
			  "installed");
	}
	free(bytes);
	return rc;
}

/* one that is there and fits need not be ours */
static bool is_served(const char *root, const char *target, const char *version)
{
	char *path = boot_text("%s/%s", root, target);
	size_t length;
	char *bytes = boot_file_read(path, &length);
	bool served = bytes && fits(bytes, length, version);

	free(bytes);
	free(path);
	return served;
}

/* folder/platform; *count grows if GRUB has the module there afterwards */
static int plan_platform(struct boot_plan *plan, const char *files,
			 const char *folder, const char *platform,
			 unsigned *count)
{
	char *target = boot_text("%s/%s/vhd.mod", folder, platform);
	char *place = boot_text("%s/%s/%s", plan->base, folder, platform);
	char *version = folder_version(place);
	char *module = version ? find_module(files, platform) : NULL;
	int rc = TOOL_DONE;

	if (version && is_served(plan->base, target, version)) {
		++*count;
	} else if (module) {
		rc = plan_file(plan, target, module, version);
		++*count;
	} else if (version) {
		diag_warning(place, "there is no vhd.mod for this platform");
	}
	free(module);
	free(version);
	free(place);
	free(target);
	return rc;
}

static int plan_folder(struct boot_plan *plan, const char *files,
		       const char *folder, unsigned *count)
{
	char *path = boot_text("%s/%s", plan->base, folder);
	DIR *dir = opendir(path);
	struct dirent *entry;
	int rc = TOOL_DONE;

	while (dir && !rc && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			rc = plan_platform(plan, files, folder, entry->d_name,
					   count);
	}
	if (dir)
		closedir(dir);
	free(path);
	return rc;
}

int boot_grub_modules(struct boot_plan *plan, const char *files)
{
	unsigned loaded = 0, kept = 0;
	int rc = plan_folder(plan, files, "boot/grub", &loaded);

	if (!rc && !loaded) {
		rc = diag_error(NULL,
				"%s/boot/grub: no GRUB with a vhd.mod for it",
				plan->base);
		diag_hint("GRUB belongs there, by grub-install; --files DIR "
			  "says where PLATFORM/vhd.mod is");
	}
	return rc ? rc : plan_folder(plan, files, "usr/lib/grub", &kept);
}
