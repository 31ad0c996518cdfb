/* SPDX-License-Identifier: BSD-2-Clause */
#include "diag.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "escape.h"

const char *diag_program = "vhdtool";

static void print_safe(const char *text)
{
	/* without memory: that this has run out is said here, too */
	escape_print(text, stderr);
}

static void print_prefix(const char *path, const char *kind)
{
	fprintf(stderr, "%s: ", diag_program);
	if (path) {
		print_safe(path);
		fputs(": ", stderr);
	}
	fputs(kind, stderr);
}

/* Arguments may hold paths and values of the user, so all is escaped. */
__attribute__((format(printf, 1, 0))) static void print_text(const char *format,
							     va_list list)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, list);
	print_safe(text);
	fputc('\n', stderr);
}

/* "VHD footer: checksum mismatch (byte 512)" */
static void print_diag(const struct vhd_diag *diag)
{
	if (diag->structure &&
	    strncmp(diag->text, diag->structure, strlen(diag->structure)) != 0)
		fprintf(stderr, "%s: ", diag->structure);
	print_safe(diag->text);
	if (diag->offset != VHD_NO_OFFSET)
		fprintf(stderr, " (byte %" PRIu64 ")", diag->offset);
	fputc('\n', stderr);
	if (diag->hint)
		diag_hint("%s", diag->hint);
}

int diag_failure(const char *path, int error, const struct vhd_diag *diag)
{
	bool told = diag && diag->error != 0 && diag->text[0];

	print_prefix(told && diag->path[0] ? diag->path : path, "");
	if (told)
		print_diag(diag);
	else
		fprintf(stderr, "%s\n", vhd_strerror(error));
	return TOOL_FAILED;
}

int diag_error(const char *path, const char *format, ...)
{
	va_list list;

	print_prefix(path, "");
	va_start(list, format);
	print_text(format, list);
	va_end(list);
	return TOOL_FAILED;
}

int diag_usage(const char *format, ...)
{
	va_list list;

	print_prefix(NULL, "");
	va_start(list, format);
	print_text(format, list);
	va_end(list);
	return TOOL_USAGE;
}

void diag_warning(const char *path, const char *format, ...)
{
	va_list list;

	print_prefix(path, "warning: ");
	va_start(list, format);
	print_text(format, list);
	va_end(list);
}

void diag_hint(const char *format, ...)
{
	va_list list;

	fputs("hint: ", stderr);
	va_start(list, format);
	print_text(format, list);
	va_end(list);
}

void diag_conditions(const char *path, uint32_t conditions)
{
	for (uint32_t bit = 1; bit; bit <<= 1) {
		const char *structure = NULL;
		const char *text;

		if (!(conditions & bit))
			continue;
		text = vhd_condition_text(bit, NULL, &structure);
		if (text)
			diag_warning(path, "%s: %s", structure, text);
	}
}
