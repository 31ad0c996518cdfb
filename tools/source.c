/* SPDX-License-Identifier: BSD-2-Clause */
#include "source.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "format.h"
#include "input.h"
#include "memory.h"
#include "spool.h"

#define SUFFIX ".gz"

static bool is_stream(const char *path)
{
	return strcmp(path, "-") == 0;
}

bool source_is_gzip(const char *path)
{
	size_t n = strlen(path), suffix = strlen(SUFFIX);

	return n > suffix && strcasecmp(path + n - suffix, SUFFIX) == 0;
}

int source_format(const char *path, bool gzip)
{
	char *name;
	int format;

	if (is_stream(path))
		return VHD_FORMAT_RAW;
	if (!gzip || !source_is_gzip(path))
		return format_from_path(path);
	name = tool_must(strndup(path, strlen(path) - strlen(SUFFIX)));
	format = format_from_path(name);
	free(name);
	/* "disk.gz" can be nothing else */
	return format ? format : VHD_FORMAT_RAW;
}

/* True if the path cannot be read more than once, or not at any offset. */
static bool needs_spool(const char *path, bool gzip)
{
	struct stat st;

	if (gzip)
		return true;
	if (!is_stream(path) || fstat(STDIN_FILENO, &st))
		return false;
	return !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode);
}

static int spool(const char *path, bool gzip, const char *beside,
		 const struct progress_options *show, struct vhd_file **out)
{
	struct progress *progress;
	struct input *input;
	uint64_t length;
	int rc = input_open(path, gzip, &input);

	if (rc)
		return rc;
	progress = progress_start(show, "reading");
	if (input_length(input, &length))
		progress_expect(progress, length);
	rc = spool_input(input, beside, progress, out);
	progress_stop(progress);
	input_close(input);
	return rc;
}

int source_open(const char *path, const struct open_options *options, bool gzip,
		const char *beside, const struct progress_options *show,
		struct vhd_disk **out)
{
	struct open_options known = *options;
	struct vhd_file *file;
	int rc;

	if (!known.format)
		known.format = source_format(path, gzip);
	if (!needs_spool(path, gzip))
		return open_disk(path, &known, VHD_DISK_VERIFY, out);
	rc = open_need_format(path, known.format, &known.format);
	if (!rc)
		rc = spool(path, gzip, beside, show, &file);
	if (rc)
		return rc;
	return open_disk_file(file, is_stream(path) ? "standard input" : path,
			      &known, VHD_DISK_VERIFY, out);
}
