/* SPDX-License-Identifier: BSD-2-Clause */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "gunzip.h"
#include "memory.h"

#define PIPE_SIZE ((int)1 << 20)

struct input {
	const char *name;
	int fd;
	struct gunzip *gzip; /* or NULL */
};

#ifdef VHD_HAVE_ZLIB
static int open_gzip(struct input *in)
{
	in->gzip = gunzip_new(in->fd);
	return TOOL_DONE;
}
#else
static int open_gzip(struct input *in)
{
	return diag_error(in->name, "this program was built without zlib");
}

void gunzip_free(struct gunzip *g)
{
	(void)g;
}

ssize_t gunzip_read(struct gunzip *g, void *buf, size_t len, const char **why)
{
	(void)g;
	(void)buf;
	(void)len;
	*why = "no zlib";
	return -1;
}
#endif

static int open_descriptor(const char *path)
{
	if (strcmp(path, "-") == 0)
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	return (int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC));
}

int input_open(const char *path, bool gzip, struct input **out)
{
	struct input *in = tool_zalloc(sizeof(*in));
	int rc = TOOL_DONE;

	in->name = strcmp(path, "-") == 0 ? "standard input" : path;
	in->fd = open_descriptor(path);
	if (in->fd < 0) {
		rc = diag_error(in->name, "%s", strerror(errno));
		goto fail;
	}
	/* wishes: fewer switches with the writer, more read ahead */
	(void)fcntl(in->fd, F_SETPIPE_SZ, PIPE_SIZE);
	(void)posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (gzip)
		rc = open_gzip(in);
	if (rc) {
		close(in->fd);
		goto fail;
	}
	*out = in;
	return TOOL_DONE;
fail:
	free(in);
	return rc;
}

void input_close(struct input *input)
{
	if (!input)
		return;
	gunzip_free(input->gzip);
	close(input->fd);
	free(input);
}

const char *input_name(const struct input *input)
{
	return input->name;
}

bool input_length(const struct input *input, uint64_t *length)
{
	struct stat st;
	off_t at;

	if (input->gzip || fstat(input->fd, &st) || !S_ISREG(st.st_mode))
		return false;
	at = lseek(input->fd, 0, SEEK_CUR);
	if (at < 0)
		return false;
	*length = at < st.st_size ? (uint64_t)(st.st_size - at) : 0;
	return true;
}

/* True if a failed read is worth repeating; waits on a non-blocking pipe. */
static bool try_again(const struct input *in)
{
	struct pollfd wait = {.fd = in->fd, .events = POLLIN};

	if (errno == EINTR)
		return true;
	if (errno != EAGAIN)
		return false;
	(void)poll(&wait, 1, -1);
	return true;
}

int input_read(struct input *input, void *buf, size_t len,
	       struct progress *progress, size_t *got)
{
	unsigned char *to = buf;
	size_t done = 0;

	while (done < len) {
		const char *why = NULL;
		ssize_t n;

		if (progress_is_canceled(progress))
			return diag_error(input->name, "interrupted");
		n = input->gzip ? gunzip_read(input->gzip, to + done,
					      len - done, &why)
				: read(input->fd, to + done, len - done);
		if (n == 0)
			break;
		if (n > 0)
			done += (size_t)n;
		else if (why)
			return diag_error(input->name, "%s", why);
		else if (!try_again(input))
			return diag_error(input->name, "%s", strerror(errno));
	}
	/* a signal may have come while the end was being waited for */
	if (progress_is_canceled(progress))
		return diag_error(input->name, "interrupted");
	*got = done;
	return TOOL_DONE;
}
