/* SPDX-License-Identifier: BSD-2-Clause */
#include "output.h"

#include <errno.h>
#include <string.h>

#include "command.h"
#include "diag.h"

int output_failed(int error_number)
{
	/* a reader that had enough is no news to anybody */
	if (error_number != EPIPE)
		diag_error("standard output", "%s", strerror(error_number));
	return TOOL_FAILED;
}

int output_finish(void)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return TOOL_DONE;
	clearerr(stdout);
	return output_failed(errno ? errno : EIO);
}

static FILE *prepared;

int output_spool_prepare(void)
{
	prepared = output_spool();
	return prepared ? TOOL_DONE : TOOL_FAILED;
}

FILE *output_spool(void)
{
	FILE *spool = prepared ? prepared : tmpfile();

	prepared = NULL;
	if (!spool)
		diag_error("temporary file", "%s", strerror(errno));
	return spool;
}

static int copy(FILE *from, FILE *to)
{
	char buf[65536];
	size_t n;

	while ((n = fread(buf, 1, sizeof(buf), from)) > 0) {
		if (fwrite(buf, 1, n, to) != n)
			return -1;
	}
	return ferror(from) ? -1 : 0;
}

int output_spool_finish(FILE *spool)
{
	int rc;

	if (fflush(spool) || ferror(spool)) {
		rc = diag_error("temporary file", "%s", strerror(errno));
	} else {
		rewind(spool);
		errno = 0;
		rc = copy(spool, stdout) ? output_failed(errno ? errno : EIO)
					 : output_finish();
	}
	fclose(spool);
	return rc;
}
