/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GRUB does not check which version a module was made for, and its structures
 * change from one package to the next: a strange module does not fail, it does
 * damage. So nothing is registered before this check has passed, and the check
 * itself uses functions only, no structure.
 *
 * A running GRUB does not tell its version. What grub-install and
 * grub-mkstandalone put beside the modules does: modinfo.sh, which comes from
 * the same package. The variable grub_package_version, if somebody sets it,
 * goes before; that is the way out where there is no such file.
 */
#include "version.h"

#include <grub/env.h>
#include <grub/file.h>
#include <grub/misc.h>
#include <grub/mm.h>

#include "complain.h"

#define MODINFO_MAX 16384 /* bytes; Debian's has 3,600 */
#define PLATFORM    GRUB_TARGET_CPU "-" GRUB_PLATFORM

/* one text, by which vhdtool boot-install knows what a file was built for */
#define MARK "vhd.mod for GRUB "

static const char mark[] = MARK VHD_GRUB_PACKAGE_VERSION;
static const char *const built_for = mark + sizeof(MARK) - 1;

static char *read_text(const char *path)
{
	grub_file_t file =
		grub_file_open(path, GRUB_FILE_TYPE_GRUB_MODULE_LIST);
	char *text = file ? grub_zalloc(MODINFO_MAX + 1) : NULL;

	if (text && grub_file_read(file, text, MODINFO_MAX) < 0) {
		grub_free(text);
		text = NULL;
	}
	if (file)
		grub_file_close(file);
	return text;
}

/* the value in place, or NULL */
static char *value_of(char *text, const char *key)
{
	char *value = grub_strstr(text, key), *end;

	if (!value)
		return NULL;
	value += grub_strlen(key);
	end = grub_strchr(value, '"');
	if (!end)
		return NULL;
	*end = '\0';
	return value;
}

static grub_err_t compare(const char *version)
{
	if (grub_strcmp(version, built_for) == 0)
		return GRUB_ERR_NONE;
	return grub_error(GRUB_ERR_BAD_MODULE,
			  "vhd.mod was built for GRUB %s, this is %s; install "
			  "the vhd.mod of this version",
			  built_for, version);
}

static grub_err_t complain_of_unknown(void)
{
	grub_errno = GRUB_ERR_NONE;
	return grub_error(GRUB_ERR_BAD_MODULE,
			  "vhd.mod was built for GRUB %s; which GRUB this is "
			  "cannot be told: there is no modinfo.sh beside the "
			  "modules (set grub_package_version, if you know)",
			  built_for);
}

static grub_err_t check_modinfo(const char *prefix)
{
	char *path = grub_xasprintf("%s/" PLATFORM "/modinfo.sh", prefix);
	char *text = path ? read_text(path) : NULL;
	char *version = text ? value_of(text, "grub_package_version=\"") : NULL;

	if (version)
		compare(version);
	else
		complain_of_unknown();
	grub_free(text);
	grub_free(path);
	return grub_errno;
}

grub_err_t vhd_version_check(void)
{
	const char *version = grub_env_get("grub_package_version");
	const char *prefix = grub_env_get("prefix");

	if (version)
		return compare(version);
	return prefix ? check_modinfo(prefix) : complain_of_unknown();
}
