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
#include "newfile.h"

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

char *boot_text_read(const char *path)
{
	size_t length;
	char *text = boot_file_read(path, &length);

	if (text && strlen(text) == length)
		return text;
	if (text)
		diag_error(path, "it is no text");
	else if (errno == ENOENT)
		return tool_must(strdup(""));
	else
		diag_error(path, "%s", strerror(errno));
	free(text);
	return NULL;
}

int boot_text_write(const char *path, const char *text)
{
	return newfile_write(path, text, strlen(text), true);
}

int boot_file_delete(const char *path)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return TOOL_DONE;
	return diag_error(path, "%s", strerror(errno));
}

bool boot_is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

uint64_t boot_fingerprint(const char *bytes, size_t length)
{
	uint64_t h = 0xcbf29ce484222325u;

	while (length--)
		h = (h ^ (unsigned char)*bytes++) * 0x100000001b3u;
	return h;
}

char *boot_file_find(const char *folder, const struct boot_source *source)
{
	char *path;

	if (folder)
		return if_there(boot_text("%s/%s", folder, source->name));
	path = helper_beside(source->built, R_OK);
	return path ? path : if_there(boot_text("%s", source->installed));
}

char *boot_file_load(const char *folder, const struct boot_source *source,
		     char **bytes, size_t *length)
{
	char *path = boot_file_find(folder, source);

	if (!path) {
		diag_error(NULL, "%s is not installed", source->name);
		diag_hint("--files DIR says where it is");
		return NULL;
	}
	*bytes = boot_file_read(path, length);
	if (*bytes)
		return path;
	diag_error(path, "%s", strerror(errno));
	free(path);
	return NULL;
}

int boot_folder_make(const char *path, bool *made)
{
	*made = mkdir(path, 0777) == 0;
	if (*made || errno == EEXIST)
		return TOOL_DONE;
	return diag_error(path, "%s", strerror(errno));
}
