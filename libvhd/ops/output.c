/* SPDX-License-Identifier: BSD-2-Clause */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/diag.h"
#include "file/file.h"
#include "file/random.h"

int vhd_output_fail(struct vhd_diag *diag, int error, const char *path,
		    const char *text)
{
	vhd_fail(diag, error, NULL, VHD_NO_OFFSET, text);
	if (diag)
		snprintf(diag->path, sizeof(diag->path), "%s", path);
	return error;
}

void vhd_output_fail_path(struct vhd_diag *diag, const char *path)
{
	if (diag && !diag->path[0])
		snprintf(diag->path, sizeof(diag->path), "%s", path);
}

static int fail_errno(struct vhd_diag *diag, int err, const char *path,
		      const char *text)
{
	return vhd_output_fail(diag, vhd_error_of_errno(err), path,
			       vhd_errno_text(err, text));
}

/* the folder part of a path, "." if it has none; NULL without memory */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* ".NAME.XXXXXXXX.part" beside the path */
static char *temp_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t folder = (size_t)(base - path), size = strlen(path) + 32;
	char *name = malloc(size);
	uint32_t random = 0;

	if (!name)
		return NULL;
	if (vhd_random_bytes(&random, sizeof(random)))
		random = (uint32_t)getpid();
	snprintf(name, size, "%.*s.%s.%08x.part", (int)folder, path, base,
		 (unsigned)random);
	return name;
}

static int open_nameless(struct vhd_output *out)
{
	char *folder = folder_of(out->path);

	if (!folder)
		return ENOMEM;
	out->fd = (int)TEMP_FAILURE_RETRY(
		open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));
	free(folder);
	return out->fd < 0 ? errno : 0;
}

static int open_named(struct vhd_output *out)
{
	out->temp = temp_name(out->path);
	if (!out->temp)
		return ENOMEM;
	out->fd = (int)TEMP_FAILURE_RETRY(
		open(out->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
	if (out->fd < 0) {
		int err = errno;

		free(out->temp);
		out->temp = NULL;
		return err;
	}
	return 0;
}

static int open_file(struct vhd_output *out, struct vhd_diag *diag)
{
	int err = open_nameless(out);

	/* the host file system, or its age, has no nameless files */
	if (err == EOPNOTSUPP || err == EISDIR || err == EINVAL)
		err = open_named(out);
	if (err)
		return fail_errno(diag, err, out->path, "cannot be created");
	return 0;
}

static int open_device(struct vhd_output *out, struct vhd_diag *diag)
{
	out->kind = VHD_OUTPUT_DEVICE;
	out->fd = (int)TEMP_FAILURE_RETRY(
		open(out->path, O_RDWR | O_EXCL | O_CLOEXEC));
	if (out->fd < 0)
		return fail_errno(diag, errno, out->path,
				  "cannot be opened for writing");
	return 0;
}

int vhd_output_open(const char *path, bool force, struct vhd_output *out,
		    struct vhd_diag *diag)
{
	struct stat st;
	int rc;

	*out = (struct vhd_output){.fd = -1, .force = force};
	if (!strcmp(path, "-")) {
		out->kind = VHD_OUTPUT_STREAM;
		out->fd = STDOUT_FILENO;
		return 0;
	}
	if (!stat(path, &st)) {
		if (!force)
			return vhd_hint(diag,
					vhd_output_fail(diag, VHD_E_EXISTS,
							path,
							"the file exists"),
					"--force replaces it");
		if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
			return vhd_output_fail(diag, VHD_E_INVALID, path,
					       "is neither a file nor a block "
					       "device");
	} else {
		st.st_mode = 0;
	}
	out->path = strdup(path);
	if (!out->path)
		return VHD_E_NOMEM;
	rc = S_ISBLK(st.st_mode) ? open_device(out, diag)
				 : open_file(out, diag);
	if (rc)
		vhd_output_abort(out);
	return rc;
}

void vhd_output_abort(struct vhd_output *out)
{
	if (out->temp && !out->keep)
		unlink(out->temp);
	if (out->kind != VHD_OUTPUT_STREAM && out->fd >= 0)
		close(out->fd);
	free(out->temp);
	free(out->path);
	*out = (struct vhd_output){.fd = -1};
}

/* gives a nameless file a name that does not exist yet */
static int link_as(const struct vhd_output *out, const char *name)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", out->fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) ? errno
									 : 0;
}

/* gives it a temporary name, for a rename over an existing file */
static int link_temporary(struct vhd_output *out)
{
	char *name = temp_name(out->path);
	int err;

	if (!name)
		return ENOMEM;
	err = link_as(out, name);
	if (err)
		free(name);
	else
		out->temp = name;
	return err;
}

static int rename_new(const char *from, const char *to)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	if (!access(to, F_OK))
		return EEXIST;
	return rename(from, to) ? errno : 0;
}

static int give_name(struct vhd_output *out)
{
	int err;

	if (!out->temp) {
		err = link_as(out, out->path);
		if (err != EEXIST || !out->force)
			return err;
		err = link_temporary(out);
		if (err)
			return err;
	}
	if (out->force)
		err = rename(out->temp, out->path) ? errno : 0;
	else
		err = rename_new(out->temp, out->path);
	if (!err) {
		free(out->temp);
		out->temp = NULL;
	}
	return err;
}

static int flush_folder(const char *path)
{
	char *folder = folder_of(path);
	int fd, err = 0;

	if (!folder)
		return ENOMEM;
	fd = (int)TEMP_FAILURE_RETRY(
		open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	free(folder);
	if (fd < 0)
		return 0; /* a folder we may not read cannot be flushed */
	if (TEMP_FAILURE_RETRY(fsync(fd)) && errno != EINVAL)
		err = errno;
	close(fd);
	return err;
}

int vhd_output_name(struct vhd_output *out, const char *temp)
{
	char *name = strdup(temp);
	int err;

	if (!name)
		return VHD_E_NOMEM;
	err = TEMP_FAILURE_RETRY(fsync(out->fd)) ? errno : 0;
	if (!err)
		err = out->temp ? rename_new(out->temp, name)
				: link_as(out, name);
	if (err) {
		free(name);
		return vhd_error_of_errno(err);
	}
	free(out->temp);
	out->temp = name;
	return vhd_error_of_errno(flush_folder(name));
}

int vhd_output_commit(struct vhd_output *out, struct vhd_diag *diag)
{
	int err = 0;

	if (out->kind != VHD_OUTPUT_STREAM &&
	    TEMP_FAILURE_RETRY(fsync(out->fd)))
		err = errno;
	if (!err && out->kind == VHD_OUTPUT_FILE) {
		err = give_name(out);
		if (!err)
			err = flush_folder(out->path);
	}
	if (err)
		fail_errno(diag, err, out->path,
			   err == EEXIST ? "has appeared meanwhile"
					 : "cannot be completed");
	vhd_output_abort(out);
	return vhd_error_of_errno(err);
}

int vhd_output_write(struct vhd_output *out, const void *buf, size_t len)
{
	const char *in = buf;

	while (len) {
		ssize_t n = write(out->fd, in, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return vhd_error_of_errno(errno);
		in += n;
		len -= (size_t)n;
	}
	return 0;
}

int vhd_output_write_at(struct vhd_output *out, uint64_t offset,
			const void *buf, size_t len)
{
	const char *in = buf;

	while (len) {
		ssize_t n = pwrite(out->fd, in, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return vhd_error_of_errno(errno);
		in += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}
