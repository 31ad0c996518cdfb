/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which images beside a file are its children. No format records that, but a
 * program that is about to change a parent can look: children lie beside it
 * more often than not. A file counts if it names the identity of this one and
 * if the search for its parent does not end at another file.
 *
 * What cannot be looked at because of the host (no memory, no descriptors) may
 * be a child: that is an error, and whoever asks changes nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/diag.h"
#include "disk.h"
#include "file/file.h"
#include "image/hint.h"
#include "image/layer.h"
#include "parent.h"

struct looking {
	struct vhd_image *image;
	const char *path;
	struct vhd_file_id id; /* of `path` */
	vhd_child_fn *found;
	void *ctx;
	struct vhd_diag *diag;
};

static bool has_extension(const char *name, int format)
{
	static const struct {
		const char *extension;
		int format;
	} known[] = {
		{".vhd", VHD_FORMAT_VHD},
		{".avhd", VHD_FORMAT_VHD},
		{".vhdx", VHD_FORMAT_VHDX},
		{".avhdx", VHD_FORMAT_VHDX},
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].format == format &&
		    strcasecmp(dot, known[i].extension) == 0)
			return true;
	return false;
}

/* A file that cannot be opened or read is no child that anybody could use. */
static int pass_over(const struct looking *l, int rc, const char *text)
{
	if (rc != VHD_E_NOMEM)
		return 0;
	return vhd_fail(l->diag, rc, NULL, VHD_NO_OFFSET,
			text[0] ? text : vhd_strerror(rc));
}

/* *answer: the parent that a search finds is another file, a copy of this one
 */
static int is_elsewhere(const struct looking *l, struct vhd_image *child,
			char *path, const struct vhd_disk_options *o,
			bool *answer)
{
	struct vhd_layer layer = {.image = child, .path = path};
	struct vhd_parent_search *search;
	struct vhd_file_id id = {0};
	struct vhd_diag why = {0};
	struct vhd_layer parent;
	int rc = vhd_parent_search_new(path, o, &search, &why);

	*answer = false;
	if (rc)
		return pass_over(l, rc, why.text);
	rc = vhd_parent_find(search, &layer, 0, &parent, &why);
	vhd_parent_search_free(search);
	if (rc)
		return pass_over(l, rc, why.text);
	vhd_file_id(vhd_image_base_file(parent.image), &id);
	vhd_image_close(parent.image);
	free(parent.path);
	*answer = id.inode &&
		  (id.inode != l->id.inode || id.device != l->id.device);
	return 0;
}

static int look_at(const struct looking *l, char *path)
{
	const struct vhd_disk_options o = {
		.size = sizeof(o),
		.format = vhd_image_format(l->image),
		.flags = VHD_DISK_FORCE_SHARE,
	};
	struct vhd_file_id id = {0};
	struct vhd_diag why = {0};
	struct vhd_image *child;
	struct vhd_file *file;
	bool elsewhere;
	int rc = vhd_file_open(path, 0, &file, &why);

	if (rc)
		return pass_over(l, rc, why.text);
	vhd_file_id(file, &id);
	if (id.inode != l->id.inode || id.device != l->id.device)
		rc = vhd_disk_open_image(file, &o, o.flags, &child, &why);
	else
		rc = VHD_E_LOOP; /* the image itself */
	if (rc) {
		vhd_file_close(file);
		return pass_over(l, rc, why.text);
	}
	if (vhd_image_has_parent(child) &&
	    !vhd_image_check_parent(child, l->image, NULL)) {
		rc = is_elsewhere(l, child, path, &o, &elsewhere);
		if (!rc && !elsewhere)
			rc = l->found(l->ctx, path);
	}
	vhd_image_close(child);
	return rc;
}

static int look_into(const struct looking *l, const char *folder)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *dir = opendir(folder);
	int rc = 0;

	if (!dir) /* nothing is known of children there */
		return pass_over(l, vhd_error_of_errno(errno),
				 vhd_errno_text(errno, ""));
	while (!rc && (e = readdir(dir))) {
		int n = snprintf(path, sizeof(path), "%s/%s", folder,
				 e->d_name);

		if (has_extension(e->d_name, vhd_image_format(l->image)) &&
		    n > 0 && (size_t)n < sizeof(path))
			rc = look_at(l, path);
	}
	closedir(dir);
	return rc;
}

/* looks in the folder of an image that is open */
static int look_beside(struct looking *l)
{
	char *folder = realpath(l->path, NULL), *slash;
	int rc;

	if (!folder)
		return vhd_error_of_errno(errno);
	slash = strrchr(folder, '/');
	slash[slash == folder] = '\0';
	vhd_file_id(vhd_image_base_file(l->image), &l->id);
	rc = look_into(l, folder);
	free(folder);
	return rc;
}

int vhd_find_children(const char *path, int format, vhd_child_fn *found,
		      void *ctx, struct vhd_diag *diag)
{
	const struct vhd_disk_options o = {
		.size = sizeof(o),
		.format = format,
		.flags = VHD_DISK_FORCE_SHARE,
	};
	struct looking l = {
		.path = path, .found = found, .ctx = ctx, .diag = diag};
	struct vhd_file *file;
	int rc;

	if (format == VHD_FORMAT_RAW)
		return 0;
	rc = vhd_file_open(path, 0, &file, diag);
	if (rc)
		return vhd_diag_path(diag, rc, path);
	rc = vhd_disk_open_image(file, &o, o.flags, &l.image, diag);
	if (rc) {
		vhd_file_close(file);
		return vhd_diag_path(diag, rc, path);
	}
	rc = look_beside(&l);
	vhd_image_close(l.image);
	return rc;
}

static int refuse(void *ctx, const char *path)
{
	struct vhd_diag *diag = ctx;
	char name[160];

	vhd_escape(path, name, sizeof(name));
	vhd_fail(diag, VHD_E_CHILDREN, NULL, VHD_NO_OFFSET, "");
	if (diag)
		snprintf(diag->text, sizeof(diag->text),
			 "is the parent of '%s', whose content a change "
			 "would spoil",
			 name);
	return vhd_hint(diag, VHD_E_CHILDREN,
			"write to a snapshot of it instead; "
			"--ignore-children writes all the same");
}

int vhd_refuse_children(const char *path, int format, struct vhd_diag *diag)
{
	struct vhd_diag why = {0};
	int rc = vhd_find_children(path, format, refuse, &why, &why);

	/* if nobody could look, an error that the next open does not have; all
	 * others it says better */
	if (rc != VHD_E_CHILDREN && rc != VHD_E_NOMEM && rc != VHD_E_IO)
		return 0;
	if (!why.error)
		vhd_fail(&why, rc, NULL, VHD_NO_OFFSET, vhd_strerror(rc));
	if (diag)
		*diag = why;
	return vhd_diag_path(diag, rc, path);
}
