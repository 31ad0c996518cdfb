/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootfiles.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "helper.h"
#include "memory.h"

#define FILE_MAX ((size_t)4 << 20)

char *boot_text(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return tool_must(text);
}

char *boot_file_read(const char *path, size_t *length)
{
	FILE *in = fopen(path, "re");
	char *bytes;

	if (!in)
		return NULL;
	bytes = tool_zalloc(FILE_MAX + 1);
	*length = fread(bytes, 1, FILE_MAX + 1, in);
	errno = ferror(in) ? EIO : *length > FILE_MAX ? EFBIG : 0;
	fclose(in);
	if (!errno)
		return bytes;
	free(bytes);
	return NULL;
}

static char *if_there(char *path)
{
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *boot_file_find(const char *folder, const char *name)
{
	char *built, *path;

	if (folder)
		return if_there(boot_text("%s/%s", folder, name));
	/* bin/vhdtool and lib/efi/ are neighbours in a build tree */
	built = boot_text("../lib/efi/%s", name);
	path = helper_beside(built, R_OK);
	free(built);
	return path ? path : if_there(boot_text("%s/%s", VHD_EFI_DIR, name));
}

int boot_folder_make(const char *path, bool *made)
{
	*made = mkdir(path, 0777) == 0;
	if (*made || errno == EEXIST)
		return TOOL_DONE;
	return diag_error(path, "%s", strerror(errno));
}
