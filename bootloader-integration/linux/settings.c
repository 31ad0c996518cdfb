/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "diag.h"
#include "smallfile.h"
#include "words.h"

#define EFI_VARIABLE                                                           \
	"/sys/firmware/efi/efivars/VhdBootImage-"                              \
	"6d9a5b1e-3f0c-4c57-9a86-0b7d3f5e2c41"
#define TIMEOUT 60

const char *const attach_mode_names[] = {"auto", "loop", "nbd",
					 "ublk", "dm",   NULL};

static int bad(const char *name, const char *value, const char *why)
{
	return diag_error(NULL, "%s=%s: %s", name, value, why);
}

static int take_mode(const char *line, enum attach_mode *mode)
{
	char text[16];
	int rc = words_get(line, "vhdmode", text, sizeof(text));

	*mode = ATTACH_AUTO;
	if (!rc)
		return TOOL_DONE;
	for (int i = 0; rc > 0 && attach_mode_names[i]; i++) {
		if (strcmp(text, attach_mode_names[i]) == 0) {
			*mode = (enum attach_mode)i;
			return TOOL_DONE;
		}
	}
	return bad("vhdmode", text, "is none of auto, loop, nbd, ublk, dm");
}

static int take_timeout(const char *line, unsigned *timeout)
{
	char text[16], *end;
	int rc = words_get(line, "vhdtimeout", text, sizeof(text));
	unsigned long value;

	*timeout = TIMEOUT;
	if (!rc)
		return TOOL_DONE;
	value = strtoul(text, &end, 10);
	if (rc < 0 || !*text || *end || value > 86400)
		return bad("vhdtimeout", text, "is no number of seconds");
	*timeout = (unsigned)value;
	return TOOL_DONE;
}

static int take_overlay(const char *line, struct settings *s)
{
	const char *fault = NULL;

	if (words_get(line, "vhdoverlay", s->overlay, sizeof(s->overlay)) < 0)
		fault = "is too long";
	else if (s->overlay[0] && strcmp(s->overlay, "tmp") != 0)
		fault = root_path_fault(s->overlay);
	if (!fault && s->overlay[0] &&
	    (s->mode == ATTACH_LOOP || s->mode == ATTACH_DM))
		fault = "needs vhdmode=nbd, ublk or auto";
	return fault ? bad("vhdoverlay", s->overlay, fault) : TOOL_DONE;
}

static int take_others(const char *line, struct settings *s)
{
	int rc = take_mode(line, &s->mode);

	if (!rc)
		rc = take_timeout(line, &s->timeout);
	if (!rc)
		rc = take_overlay(line, s);
	if (!rc && words_get(line, "vhdflags", s->flags, sizeof(s->flags)) < 0)
		rc = bad("vhdflags", "...", "is too long");
	return rc;
}

int settings_from_line(const char *line, struct settings *out)
{
	char text[sizeof(out->root.volume) + sizeof(out->root.path)];
	int rc = words_get(line, "vhdroot", text, sizeof(text));
	const char *fault;

	if (!rc)
		return TOOL_NO;
	fault = rc < 0 ? "is too long" : root_name_parse(text, &out->root);
	if (fault)
		return bad("vhdroot", text, fault);
	return take_others(line, out);
}

static int from_efi(const char *line, struct settings *out)
{
	unsigned char bytes[4096];
	ssize_t n = smallfile_read(EFI_VARIABLE, bytes, sizeof(bytes));
	const char *fault;

	if (n < 0)
		return TOOL_NO;
	fault = root_name_from_efi(bytes, (size_t)n, &out->root);
	if (fault)
		return diag_error("EFI variable VhdBootImage", "%s", fault);
	return take_others(line, out);
}

int settings_read(struct settings *out)
{
	char line[4096];
	ssize_t n = smallfile_read("/proc/cmdline", line, sizeof(line) - 1);
	int rc;

	if (n < 0)
		return diag_error("/proc/cmdline", "%s", strerror(errno));
	line[n] = '\0';
	rc = settings_from_line(line, out);
	return rc == TOOL_NO ? from_efi(line, out) : rc;
}
