/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scripts of commands for bcdedit, which run on the Windows that is there. The
 * store of the boot menu could be changed from here, but only Windows knows
 * what its entries look like today: the new one is a copy of the running one.
 *
 * The identifier of the entry goes to a file beside the script, for the script
 * that takes it away. Whatever comes from outside stands between double quotes;
 * what cmd.exe reads there, too, is refused.
 */
#include "bootwindows.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bootfiles.h"
#include "command.h"
#include "diag.h"
#include "memory.h"
#include "newfile.h"
#include "size.h"

#define VALUE_MAX 240u /* with the folder, Windows' limit of 260 */

bool boot_windows_is_volume(const char *volume)
{
	if (strcmp(volume, "locate") == 0)
		return true;
	return isalpha((unsigned char)volume[0]) &&
	       strcmp(volume + 1, ":") == 0;
}

static int check_text(const char *what, const char *text, const char *bad)
{
	int rc = boot_install_line(what, text, VALUE_MAX);
	size_t n = strcspn(text, bad);

	if (rc || !text[n])
		return rc;
	return diag_error(text,
			  "%s with %c in it cannot be written to a "
			  "script for cmd.exe",
			  what, text[n]);
}

static bool ends(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcasecmp(text + n - m, end) == 0;
}

/* An image that is not at hand has its name only. */
static int check_format(const struct boot_install *install)
{
	if (install->force || install->open.format == VHD_FORMAT_VHDX ||
	    (!install->open.format && ends(install->image, ".vhdx")))
		return TOOL_DONE;
	diag_error(install->image, "Windows starts only a VHDX, since "
				   "Windows 10");
	diag_hint("vhdtool convert makes one of it; --force writes the script "
		  "all the same");
	return TOOL_FAILED;
}

static int check_image(const struct boot_install *install)
{
	struct boot_check check;
	char text[SIZE_TEXT_SIZE];
	bool looked = false;
	int rc = check_format(install);

	if (!rc)
		rc = boot_install_check(install, BOOT_WINDOWS, &check, &looked);
	if (rc || !looked)
		return rc;
	if (check.type == VHD_TYPE_DYNAMIC)
		diag_warning(install->image,
			     "is dynamic: at each start Windows makes it as "
			     "large as its disk (%s), and stops if there is no "
			     "room for that",
			     size_text(check.size, text));
	boot_check_free(&check);
	return TOOL_DONE;
}

/* -- the scripts -------------------------------------------------------------
 */

#define HEAD                                                                   \
	"@echo off\n"                                                          \
	"rem Made by vhdtool boot-install. Run it as administrator.\n"

#define START                                                                  \
	"setlocal DisableDelayedExpansion\n"                                   \
	"chcp 65001 >nul\n"                                                    \
	"set \"note=%%~dp0%s.bcd.txt\"\n"                                      \
	"bcdedit /enum {bootmgr} >nul 2>&1\n"                                  \
	"if errorlevel 1 (\n"                                                  \
	"\techo This has to be run as administrator.\n"                        \
	"\texit /b 1\n"                                                        \
	")\n"

#define LIMITS                                                                  \
	"rem Adds an entry for an image to the boot menu of this Windows.\n"    \
	"rem What Microsoft asks of such an image:\n"                           \
	"rem - it is a VHDX. Windows 10 and later do not start a VHD;\n"        \
	"rem - it lies on an NTFS volume of a basic, internal disk, which\n"    \
	"rem   neither BitLocker nor NTFS itself encrypts or compresses;\n"     \
	"rem - a dynamic one is made as large as its disk at each start: the\n" \
	"rem   volume must have room for that, and for the page file;\n"        \
	"rem - Windows inside cannot hibernate.\n"

#define ADD                                                                    \
	"if exist \"%%note%%\" (\n"                                            \
	"\techo There is an entry already: see \"%%note%%\".\n"                \
	"\texit /b 1\n"                                                        \
	")\n"                                                                  \
	"set \"guid=\"\n"                                                      \
	"for /f \"tokens=2 delims={}\" %%%%g in ('bcdedit /copy {current} /d " \
	"\"%s\"') do set \"guid={%%%%g}\"\n"                                   \
	"if not defined guid (\n"                                              \
	"\techo The running entry could not be copied.\n"                      \
	"\texit /b 1\n"                                                        \
	")\n"                                                                  \
	"(>\"%%note%%\" echo %%guid%%) || goto undo\n"                         \
	"bcdedit /set %%guid%% device \"vhd=[%s]%s\" || goto undo\n"           \
	"bcdedit /set %%guid%% osdevice \"vhd=[%s]%s\" || goto undo\n"         \
	"bcdedit /set %%guid%% detecthal on || goto undo\n"                    \
	"bcdedit /displayorder %%guid%% /addlast || goto undo\n"               \
	"echo The entry %%guid%% is in the boot menu.\n"                       \
	"exit /b 0\n"                                                          \
	":undo\n"                                                              \
	"bcdedit /delete %%guid%% /cleanup\n"                                  \
	"del \"%%note%%\" 2>nul\n"                                             \
	"echo It failed; the boot menu is as it was.\n"                        \
	"exit /b 1\n"

#define REMOVE                                                                 \
	"set \"guid=\"\n"                                                      \
	"if exist \"%%note%%\" set /p guid=<\"%%note%%\"\n"                    \
	"if not defined guid (\n"                                              \
	"\techo There is no entry: \"%%note%%\" is missing.\n"                 \
	"\texit /b 1\n"                                                        \
	")\n"                                                                  \
	"bcdedit /delete %%guid%% /cleanup || exit /b 1\n"                     \
	"del \"%%note%%\"\n"                                                   \
	"echo The entry %%guid%% is gone. The image is still there.\n"         \
	"exit /b 0\n"

/* with the line ends that cmd.exe needs, for its labels to be found */
static char *with_crlf(const char *text)
{
	char *out = tool_zalloc(2 * strlen(text) + 1), *to = out;

	for (; *text; text++) {
		if (*text == '\n')
			*to++ = '\r';
		*to++ = *text;
	}
	return out;
}

static int write_script(const struct boot_install *install, const char *file,
			const char *script)
{
	char *text = with_crlf(script);
	int rc = TOOL_DONE;

	if (install->dry_run && *file)
		printf("write %s\n", file);
	else if (*file)
		rc = newfile_write(file, text, strlen(text), install->force);
	else
		fputs(text, stdout);
	free(text);
	return rc;
}

static char *backslashes(const char *path)
{
	char *out = boot_text("%s", path);

	for (char *c = out; *c; c++) {
		if (*c == '/')
			*c = '\\';
	}
	return out;
}

int boot_windows_install(const struct boot_install *install, const char *image,
			 const char *file)
{
	const char *volume = install->volume ? install->volume : "locate";
	char *path, *script;
	int rc = check_text("a title", install->title, "%\"!^'");

	if (!rc)
		rc = check_text("a path", image, "%\"!^<>|?*:\\");
	if (!rc)
		rc = check_image(install);
	if (rc)
		return rc;
	path = backslashes(image);
	script = boot_text(HEAD LIMITS START ADD, install->name, install->title,
			   volume, path, volume, path);
	rc = write_script(install, file, script);
	free(script);
	free(path);
	return rc;
}

int boot_windows_remove(const struct boot_install *install, const char *file)
{
	char *script = boot_text(
		HEAD "rem Takes the entry out of the boot menu that the other "
		     "script has added.\n" START REMOVE,
		install->name);
	int rc = write_script(install, file, script);

	free(script);
	return rc;
}
