/* SPDX-License-Identifier: BSD-2-Clause */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "memory.h"

#define BUFFER ((size_t)4 << 20)
/* Zeros are looked for in pieces of this size, on its multiples. */
#define PIECE ((size_t)64 << 10)

/* "FOLDER/.vhdtool.XXXXXX" */
static char *temporary_name(const char *beside)
{
	const char *folder = getenv("TMPDIR");
	const char *slash = beside ? strrchr(beside, '/') : NULL;
	size_t length;
	char *name;
	int n;

	if (beside)
		folder = slash ? beside : "./";
	else if (!folder || !*folder)
		folder = "/var/tmp";
	length = slash ? (size_t)(slash - beside) + 1 : strlen(folder);
	n = asprintf(&name, "%.*s/.vhdtool.XXXXXX", (int)length, folder);
	return tool_must(n < 0 ? NULL : name);
}

static int open_nameless(const char *name)
{
	char *folder = tool_must(strdup(name));
	int fd;

	*strrchr(folder, '/') = '\0';
	fd = (int)TEMP_FAILURE_RETRY(
		open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
	free(folder);
	return fd;
}

/* A descriptor of a file without a name, or -1 with errno. */
static int open_spool(const char *beside)
{
	char *name = temporary_name(beside);
	int fd = open_nameless(name);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
	}
	free(name);
	return fd;
}

static bool is_zero(const unsigned char *buf, size_t len)
{
	return buf[0] == 0 && memcmp(buf, buf + 1, len - 1) == 0;
}

static int write_at(int fd, const unsigned char *buf, size_t len, off_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, buf, len, at);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
			at += n;
		}
	}
	return 0;
}

/* Length of the run of pieces that are all zeros, or all not. */
static size_t run_length(const unsigned char *buf, size_t len, bool *zero)
{
	size_t run = 0;

	do {
		size_t n = len - run < PIECE ? len - run : PIECE;
		bool now = is_zero(buf + run, n);

		if (run == 0)
			*zero = now;
		else if (now != *zero)
			break;
		run += n;
	} while (run < len);
	return run;
}

static int write_sparse(int fd, const unsigned char *buf, size_t len, off_t at)
{
	while (len > 0) {
		bool zero;
		size_t n = run_length(buf, len, &zero);

		if (!zero && write_at(fd, buf, n, at))
			return -1;
		buf += n;
		at += (off_t)n;
		len -= n;
	}
	return 0;
}

static int copy(struct input *input, int fd, struct progress *progress)
{
	unsigned char *buf = tool_buffer(BUFFER);
	off_t at = 0;
	size_t got;
	int rc;

	do {
		rc = input_read(input, buf, BUFFER, progress, &got);
		if (rc)
			break;
		if (write_sparse(fd, buf, got, at))
			rc = diag_error("temporary file", "%s",
					strerror(errno));
		at += (off_t)got;
		progress_add(progress, got);
	} while (!rc && got == BUFFER);
	if (!rc && TEMP_FAILURE_RETRY(ftruncate(fd, at)))
		rc = diag_error("temporary file", "%s", strerror(errno));
	free(buf);
	return rc;
}

int spool_input(struct input *input, const char *beside,
		struct progress *progress, struct vhd_file **out)
{
	struct vhd_diag diag = {0};
	int fd = open_spool(beside), rc, error;

	if (fd < 0)
		return diag_error(beside ? beside : "temporary file", "%s",
				  strerror(errno));
	rc = copy(input, fd, progress);
	if (rc) {
		close(fd);
		return rc;
	}
	error = vhd_file_open_fd(fd, 0, out, &diag);
	return error ? diag_failure("temporary file", error, &diag) : TOOL_DONE;
}
