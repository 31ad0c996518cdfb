/* SPDX-License-Identifier: BSD-2-Clause */
#include "boothost.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef VHD_HAVE_BLKID
#	include <blkid.h>
#endif

#include "bootfiles.h"
#include "command.h"
#include "diag.h"
#include "memory.h"

/* -- what is mounted where ---------------------------------------------------
 */

struct mounted {
	char *root;   /* of the mount, in the file system */
	char *point;  /* where it is mounted */
	char *source; /* "/dev/sda2" */
};

static void mounted_free(struct mounted *m)
{
	free(m->root);
	free(m->point);
	free(m->source);
	*m = (struct mounted){0};
}

/* the kernel writes blanks and backslashes as three octal digits */
static char *decode(const char *text, size_t length)
{
	char *out = tool_zalloc(length + 1), *to = out;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\\' && i + 3 < length) {
			*to++ = (char)((text[i + 1] - '0') << 6 |
				       (text[i + 2] - '0') << 3 |
				       (text[i + 3] - '0'));
			i += 3;
		} else {
			*to++ = text[i];
		}
	}
	return out;
}

/* field `n` of the words of a line, from 0; NULL if there are not so many */
static char *field(const char *line, unsigned n)
{
	for (; n > 0; n--) {
		line += strcspn(line, " ");
		if (*line != ' ')
			return NULL;
		line++;
	}
	return decode(line, strcspn(line, " \n"));
}

/* proc(5): "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw" */
static bool parse_line(const char *line, struct mounted *out)
{
	const char *dash = strstr(line, " - ");

	if (!dash)
		return false;
	out->root = field(line, 3);
	out->point = field(line, 4);
	out->source = field(dash + 3, 1);
	if (out->root && out->point && out->source)
		return true;
	mounted_free(out);
	return false;
}

/* `path` is `point` or below it */
static bool is_below(const char *path, const char *point)
{
	size_t n = strlen(point);

	if (strcmp(point, "/") == 0)
		return true;
	return strncmp(path, point, n) == 0 && (!path[n] || path[n] == '/');
}

/* The last of the longest: what is mounted later covers what was there. */
static bool find_mount(const char *path, struct mounted *out)
{
	FILE *in = fopen("/proc/self/mountinfo", "re");
	struct mounted one;
	char *line = NULL;
	size_t room = 0;

	*out = (struct mounted){0};
	while (in && getline(&line, &room, in) > 0) {
		if (!parse_line(line, &one))
			continue;
		if (is_below(path, one.point) &&
		    (!out->point || strlen(one.point) >= strlen(out->point))) {
			mounted_free(out);
			*out = one;
		} else {
			mounted_free(&one);
		}
	}
	free(line);
	if (in)
		fclose(in);
	return out->point;
}

static int locate(const char *image, struct mounted *m, char **path)
{
	char *real = realpath(image, NULL);
	const char *rest;

	*m = (struct mounted){0};
	if (!real) {
		diag_error(image, "%s", strerror(errno));
		return TOOL_FAILED;
	}
	if (!find_mount(real, m)) {
		diag_error(image, "what it lies on is not known");
		free(real);
		return TOOL_FAILED;
	}
	rest = real + (m->point[1] ? strlen(m->point) : 0);
	*path = boot_text("%s%s", m->root[1] ? m->root : "", rest);
	free(real);
	return TOOL_DONE;
}

char *boot_host_path(const char *image)
{
	struct mounted m;
	char *path = NULL;

	if (locate(image, &m, &path) == TOOL_DONE)
		mounted_free(&m);
	return path;
}

/* -- what the volume is called -----------------------------------------------
 */

#ifdef VHD_HAVE_BLKID

static char *value(blkid_probe probe, const char *name)
{
	const char *text;

	if (blkid_probe_lookup_value(probe, name, &text, NULL))
		return NULL;
	return boot_text("%s", text);
}

static int name_device(const char *device, struct boot_host *out)
{
	blkid_probe probe = blkid_new_probe_from_filename(device);
	char *uuid = NULL;

	if (!probe)
		return diag_error(device, "%s", strerror(errno));
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_UUID |
							 BLKID_SUBLKS_TYPE);
	if (blkid_do_safeprobe(probe) == 0)
		uuid = value(probe, "UUID");
	if (uuid) {
		char *type = value(probe, "TYPE");

		out->volume = boot_text("UUID=%s", uuid);
		out->type = type ? type : boot_text("%s", "");
	}
	blkid_free_probe(probe);
	free(uuid);
	return uuid ? TOOL_DONE
		    : diag_error(device, "its file system has no UUID");
}

#else

static int name_device(const char *device, struct boot_host *out)
{
	(void)out;
	return diag_error(device, "this vhdtool was built without libblkid, "
				  "and cannot tell its UUID");
}

#endif

int boot_host_find(const char *image, struct boot_host *out)
{
	struct mounted m;
	int rc = locate(image, &m, &out->path);

	if (rc)
		return rc;
	if (strncmp(m.source, "/dev/", 5) == 0)
		rc = name_device(m.source, out);
	else
		rc = diag_error(image,
				"it lies on no disk of its own (%s is mounted "
				"from %s)",
				m.point, m.source);
	if (rc) {
		diag_hint("--volume UUID=... names the volume, with the path "
			  "from its root");
		free(out->path);
	}
	mounted_free(&m);
	return rc;
}

static int check_tag(const char *volume, const char *const *tags)
{
	char *all = boot_text("%s", *tags);
	const char *const *tag = tags;

	while (*tag && (strncmp(volume, *tag, strlen(*tag)) != 0 ||
			!volume[strlen(*tag)]))
		tag++;
	for (const char *const *t = tags + 1; *t; t++) {
		char *more = boot_text("%s, %s", all, *t);

		free(all);
		all = more;
	}
	if (!*tag)
		diag_usage("--volume %s: here a volume is named by %s", volume,
			   all);
	free(all);
	return *tag ? TOOL_DONE : TOOL_USAGE;
}

int boot_host_given(const char *volume, const char *image,
		    const char *const *tags, struct boot_host *out)
{
	int rc = check_tag(volume, tags);

	if (rc)
		return rc;
	if (*image != '/')
		return diag_usage("%s: with --volume, a path from the root of "
				  "that volume is needed",
				  image);
	*out = (struct boot_host){
		.volume = boot_text("%s", volume),
		.type = boot_text("%s", ""),
		.path = boot_text("%s", image),
	};
	return TOOL_DONE;
}

void boot_host_free(struct boot_host *host)
{
	free(host->volume);
	free(host->type);
	free(host->path);
}
