/* SPDX-License-Identifier: BSD-2-Clause */
#include "partial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/checked.h"
#include "core/diag.h"
#include "core/guid.h"
#include "file/file.h"
#include "image/make.h"
#include "over.h"

/* -- the file
 * ------------------------------------------------------------------------- */

static char *partial_name(const char *path)
{
	size_t size = strlen(path) + sizeof(VHD_PARTIAL_SUFFIX);
	char *name = malloc(size);

	if (name)
		snprintf(name, size, "%s%s", path, VHD_PARTIAL_SUFFIX);
	return name;
}

static int fail(struct vhd_diag *diag, int rc, const char *name,
		const char *text)
{
	return vhd_output_fail(diag, rc, name, text);
}

/* held as long as the descriptor is open, whoever duplicates it */
static int lock(int fd, const char *name, struct vhd_diag *diag)
{
	struct vhd_file *file;
	int rc = vhd_file_open_fd(dup(fd), VHD_FILE_WRITE, &file, diag);

	if (rc)
		return rc;
	rc = vhd_file_lock(file, VHD_LOCK_EXCLUSIVE);
	vhd_file_close(file);
	return rc ? fail(diag, rc, name, "another program works on it") : 0;
}

static bool is_part_of(const struct stat *st, struct vhd_disk *disk)
{
	for (unsigned i = 0; i < vhd_disk_layers(disk); i++) {
		struct vhd_file_id id = {0};

		vhd_file_id(vhd_image_file(vhd_disk_image(disk, i)), &id);
		if (id.device == (uint64_t)st->st_dev &&
		    id.inode == (uint64_t)st->st_ino)
			return true;
	}
	return false;
}

/* after the lock: the name may have gone to a finished conversion meanwhile */
static bool is_named(const struct stat *st, const char *name)
{
	struct stat now;

	return !lstat(name, &now) && now.st_dev == st->st_dev &&
	       now.st_ino == st->st_ino;
}

static int check_found(int fd, const char *name, struct vhd_disk *source,
		       struct vhd_diag *diag)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st))
		return fail(diag, vhd_error_of_errno(errno), name,
			    "cannot be examined");
	if (!S_ISREG(st.st_mode))
		return fail(diag, VHD_E_INVALID, name, "is no file");
	if (is_part_of(&st, source))
		return fail(diag, VHD_E_INVALID, name,
			    "is a part of the source");
	rc = lock(fd, name, diag);
	if (!rc && !is_named(&st, name))
		rc = fail(diag, VHD_E_BUSY, name,
			  "another program works on it");
	return rc;
}

/* puts the descriptor of what was found in the place of the new file */
static void take_over(struct vhd_output *out, int fd, char *name)
{
	if (out->temp)
		unlink(out->temp);
	free(out->temp);
	close(out->fd);
	out->fd = fd;
	out->temp = name;
	out->keep = true;
	out->found = true;
}

static int open_found(struct vhd_output *out, char *name, int fd,
		      struct vhd_disk *source, struct vhd_diag *diag)
{
	int rc = check_found(fd, name, source, diag);

	if (rc) {
		close(fd);
		free(name);
	} else {
		take_over(out, fd, name);
	}
	return rc;
}

static int find(struct vhd_output *out, struct vhd_disk *source,
		struct vhd_diag *diag)
{
	char *name = partial_name(out->path);
	int fd, rc = 0;

	if (!name)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_NOMEM));
	fd = (int)TEMP_FAILURE_RETRY(open(
		name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
	if (fd >= 0)
		return open_found(out, name, fd, source, diag);
	if (errno != ENOENT)
		rc = fail(diag, vhd_error_of_errno(errno), name,
			  errno == ELOOP
				  ? "is a symbolic link"
				  : vhd_errno_text(
					    errno,
					    "cannot be opened for writing"));
	else
		rc = lock(out->fd, name, diag);
	free(name);
	return rc;
}

int vhd_partial_open(const char *path, bool force, struct vhd_disk *source,
		     struct vhd_output *out, struct vhd_diag *diag)
{
	int rc = vhd_output_open(path, force, out, diag);

	if (rc)
		return rc;
	out->resumable = true;
	if (out->kind == VHD_OUTPUT_FILE)
		rc = find(out, source, diag);
	else
		rc = vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
			      "only a conversion into a file can be continued");
	if (rc)
		vhd_output_abort(out);
	return rc;
}

int vhd_partial_publish(struct vhd_output *out, struct vhd_diag *diag)
{
	char *name = partial_name(out->path);
	int rc = name ? vhd_output_name(out, name) : VHD_E_NOMEM;

	if (rc)
		fail(diag, rc, name ? name : out->path,
		     rc == VHD_E_EXISTS ? "another program works on it"
					: "cannot be created");
	else
		out->keep = true;
	free(name);
	return rc;
}

/* -- what it holds
 * ------------------------------------------------------------------------ */

int vhd_partial_misfit(const struct vhd_output *out, const char *what,
		       struct vhd_diag *diag)
{
	char text[80];

	snprintf(text, sizeof(text), "was begun with another %s", what);
	fail(diag, VHD_E_MISMATCH, out->temp, text);
	return vhd_hint(diag, VHD_E_MISMATCH, VHD_PARTIAL_HINT);
}

/* bytes of a file that has all blocks */
static uint64_t full_size(const struct vhd_make *m)
{
	uint64_t blocks = vhd_shift_up(m->size, vhd_shift_of(m->block_size));

	return m->format == VHD_FORMAT_VHD ? vhd1_make_size(m, blocks)
					   : vhdx_make_size(m, blocks);
}

/* what of the layout differs, or NULL */
static const char *layout_misfit(const struct vhd_image_info *have,
				 const struct vhd_make *want)
{
	bool vhd1 = want->format == VHD_FORMAT_VHD;

	if (have->type != want->type)
		return "type";
	if (have->virtual_size != want->size)
		return "size";
	if (have->block_size && have->block_size != want->block_size)
		return "block size";
	if (have->logical_sector_size != want->logical_sector_size)
		return "logical sector size";
	if (!vhd1 && have->physical_sector_size != want->physical_sector_size)
		return "physical sector size";
	if (have->block_size &&
	    have->table_blocks <
		    vhd_shift_up(want->reserve, vhd_shift_of(want->block_size)))
		return "reserve";
	if (want->preallocate && have->allocated_size < full_size(want))
		return "kind of allocation";
	if (vhd1 && want->azure != !strcmp(have->creator, "win"))
		return "creator";
	return NULL;
}

static const char *identity_misfit(const struct vhd_image_info *have,
				   const struct vhd_make *want,
				   const struct vhd_create_options *asked)
{
	if (want->type == VHD_TYPE_DIFFERENCING &&
	    !vhd_guid_equal(&have->parent_id, &want->parent_link))
		return "parent";
	if (!asked)
		return NULL;
	if (!vhd_guid_is_null(&asked->id) &&
	    !vhd_guid_equal(&have->id, &asked->id))
		return "id";
	if (want->format == VHD_FORMAT_VHD && asked->timestamp &&
	    have->timestamp != asked->timestamp)
		return "time of creation";
	return NULL;
}

static int open_alone(const struct vhd_output *out, int format,
		      struct vhd_disk **disk, struct vhd_diag *diag)
{
	struct vhd_file *file;
	int rc = vhd_file_open_fd(dup(out->fd), 0, &file, diag);

	if (!rc)
		rc = vhd_open_over(file, out->temp, format,
				   VHD_DISK_LAYER | VHD_DISK_FORCE_SHARE, NULL,
				   disk, diag);
	return rc ? vhd_hint(diag, rc, VHD_PARTIAL_HINT) : 0;
}

int vhd_partial_check(const struct vhd_output *out, const struct vhd_make *make,
		      const struct vhd_create_options *asked,
		      struct vhd_diag *diag)
{
	struct vhd_image_info info;
	struct vhd_disk *disk = NULL;
	const char *what;
	int rc = open_alone(out, make->format, &disk, diag);

	if (rc)
		return rc;
	vhd_image_get_info(vhd_disk_image(disk, 0), &info);
	vhd_disk_close(disk);
	what = layout_misfit(&info, make);
	if (!what)
		what = identity_misfit(&info, make, asked);
	return what ? vhd_partial_misfit(out, what, diag) : 0;
}
