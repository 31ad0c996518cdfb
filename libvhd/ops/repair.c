/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Repairing a path. A dry run is the real one on a scratch file, so it cannot
 * say anything else than a real one does; a backup is a wrapper that saves the
 * old bytes of whatever is changed. The repair knows of neither.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libvhd/ops.h>

#include "core/checked.h"
#include "core/diag.h"
#include "file/file.h"
#include "file/scratch.h"
#include "file/undo.h"
#include "image/repair.h"
#include "output.h"

struct mending {
	const char *path;
	const struct vhd_repair_options *options;
	vhd_check_fn *mended;
	void *ctx;
	struct vhd_diag *diag;
	struct vhd_file *file;
	struct vhd_output output; /* the backup, until it has its name */
	bool named;
	int backup_fd;
	uint64_t backup_size;
	struct vhd_diag backup_why;
};

static void pass_on(void *ctx, const struct vhd_fault *fault)
{
	const struct mending *m = ctx;

	m->mended(m->ctx, m->path, fault);
}

static void pass_left(void *ctx, const struct vhd_fault *fault)
{
	const struct mending *m = ctx;

	m->options->left(m->ctx, m->path, fault);
}

/* -- the backup --------------------------------------------------------------
 */

static int append(void *ctx, const void *buf, size_t len)
{
	struct mending *m = ctx;
	const char *in = buf;

	while (len) {
		ssize_t n =
			pwrite(m->backup_fd, in, len, (off_t)m->backup_size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return vhd_output_fail(
				&m->backup_why, vhd_error_of_errno(errno),
				m->options->backup, "cannot be written");
		in += n;
		m->backup_size += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* durable; the first time it also gets its name */
static int sync_backup(void *ctx)
{
	struct mending *m = ctx;

	if (!m->named) {
		m->named = true;
		return vhd_output_commit(&m->output, &m->backup_why);
	}
	if (!TEMP_FAILURE_RETRY(fdatasync(m->backup_fd)))
		return 0;
	return vhd_output_fail(&m->backup_why, vhd_error_of_errno(errno),
			       m->options->backup, "cannot be made durable");
}

/* --force must not replace the image itself */
static bool is_image(const struct mending *m)
{
	struct vhd_file_id id;
	struct stat st;

	return !stat(m->options->backup, &st) && !vhd_file_id(m->file, &id) &&
	       id.inode == (uint64_t)st.st_ino &&
	       id.device == (uint64_t)st.st_dev;
}

static int open_backup(struct mending *m)
{
	bool force = m->options->flags & VHD_REPAIR_FORCE;
	int rc, err;

	if (is_image(m))
		return vhd_output_fail(m->diag, VHD_E_INVALID,
				       m->options->backup,
				       "is the image itself");
	rc = vhd_output_open(m->options->backup, force, &m->output, m->diag);
	if (rc)
		return rc;
	if (m->output.kind != VHD_OUTPUT_FILE) {
		vhd_output_abort(&m->output);
		return vhd_output_fail(m->diag, VHD_E_INVALID,
				       m->options->backup,
				       "a backup is a regular file");
	}
	m->backup_fd = fcntl(m->output.fd, F_DUPFD_CLOEXEC, 0);
	if (m->backup_fd >= 0)
		return 0;
	err = errno;
	vhd_output_abort(&m->output);
	return vhd_output_fail(m->diag, vhd_error_of_errno(err),
			       m->options->backup,
			       vhd_errno_text(err, "cannot be opened"));
}

static void close_backup(struct mending *m)
{
	close(m->backup_fd);
	if (!m->named) /* nothing was changed */
		vhd_output_abort(&m->output);
}

/* -- running it --------------------------------------------------------------
 */

static int repair_file(struct mending *m, struct vhd_file *file)
{
	const struct vhd_image_repair options = {
		.format = m->options->format,
		.salvage = m->options->flags & VHD_REPAIR_SALVAGE,
		.dry_run = m->options->flags & VHD_REPAIR_DRY_RUN,
		.virtual_size = m->options->virtual_size,
	};
	int rc = vhd_image_repair(file, &options, pass_on, m, m->diag);

	if (!rc && m->options->left)
		rc = vhd_image_check(file, options.format, pass_left, m,
				     m->diag);
	return rc;
}

static int repair_with_backup(struct mending *m)
{
	const struct vhd_undo_sink sink = {append, sync_backup, m};
	struct vhd_file *undo;
	int rc = open_backup(m);

	if (rc)
		return rc;
	rc = vhd_file_open_undo(m->file, &sink, &undo);
	if (!rc) {
		rc = repair_file(m, undo);
		vhd_file_close(undo);
	}
	close_backup(m);
	/* the reason is the backup's, not the image's */
	if (m->backup_why.error && m->diag)
		*m->diag = m->backup_why;
	return rc;
}

static int repair_dry(struct mending *m)
{
	struct vhd_file *scratch;
	int rc = vhd_file_open_scratch(m->file, &scratch);

	if (rc)
		return vhd_fail(m->diag, rc, NULL, VHD_NO_OFFSET,
				vhd_strerror(rc));
	m->file = scratch;
	return repair_file(m, scratch);
}

static int open_locked(const char *path, bool writable, struct vhd_file **out,
		       struct vhd_diag *diag)
{
	int rc = vhd_file_open(path, writable ? VHD_FILE_WRITE : 0, out, diag);

	if (rc)
		return rc;
	rc = vhd_file_lock(*out,
			   writable ? VHD_LOCK_EXCLUSIVE : VHD_LOCK_SHARED);
	if (!rc)
		return 0;
	vhd_file_close(*out);
	return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
			"another program has the image open");
}

int vhd_repair(const char *path, const struct vhd_repair_options *options,
	       vhd_check_fn *mended, void *ctx, struct vhd_diag *diag)
{
	struct vhd_repair_options o = {0};
	struct mending m = {
		.path = path,
		.options = &o,
		.mended = mended,
		.ctx = ctx,
		.diag = diag,
	};
	bool dry_run;
	int rc;

	memcpy(&o, options, vhd_min(options->size, sizeof(o)));
	dry_run = o.flags & VHD_REPAIR_DRY_RUN;
	rc = open_locked(path, !dry_run, &m.file, diag);
	if (rc)
		return rc;
	if (dry_run)
		rc = repair_dry(&m);
	else if (o.backup)
		rc = repair_with_backup(&m);
	else
		rc = repair_file(&m, m.file);
	vhd_file_close(m.file);
	return rc;
}

int vhd_restore(const char *path, const char *backup, struct vhd_diag *diag)
{
	struct vhd_file *undo, *file;
	int rc = vhd_file_open(backup, 0, &undo, diag);

	if (rc) {
		vhd_output_fail_path(diag, backup);
		return rc;
	}
	rc = open_locked(path, true, &file, diag);
	if (!rc) {
		rc = vhd_undo_restore(undo, file, diag);
		if (rc)
			vhd_output_fail_path(diag, backup);
		vhd_file_close(file);
	}
	vhd_file_close(undo);
	return rc;
}
