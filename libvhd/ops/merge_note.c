/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CHILD.merged: what --delete has still to remove of the images between a child
 * and the ancestor that it was merged into. When the child names the ancestor,
 * nothing else says that they belonged to it; so this is written, durably,
 * before that, and goes before the child does. A merge that is run again finds
 * it and completes the removal.
 *
 * Lines of text: "vhdmerge1", the identity of the ancestor, and for each image
 * its identity and its name in the child's folder. Images in other folders are
 * not noted: a name in a file must not reach out of its own.
 *
 * What is found is believed only if the child's parent is that ancestor; else
 * the merge did not come so far, and the note means nothing. An image is
 * removed only if it is a differencing one with the noted identity, is no part
 * of the chain, and nobody has it open.
 */
#include "merge_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/diag.h"
#include "core/guid.h"
#include "disk/claim.h"
#include "file/file.h"
#include "output.h"

#define FIRST_LINE "vhdmerge1"
/* of the longest line: identity, space, name, newline */
#define LINE_MAX_BYTES (VHD_GUID_TEXT + 256)
#define NOTE_MAX       ((size_t)VHD_DISK_DEPTH_MAX * LINE_MAX_BYTES)

static void identity(struct vhd_image *image, char text[VHD_GUID_TEXT])
{
	struct vhd_image_info info;

	vhd_image_get_info(image, &info);
	vhd_guid_text(&info.link_id, text);
}

/* the length of the folder part of a real path, the last '/' included */
static size_t folder_length(const char *path)
{
	return (size_t)(strrchr(path, '/') + 1 - path);
}

static char *with_suffix(const char *folder, size_t length, const char *name,
			 const char *suffix)
{
	size_t size = length + strlen(name) + strlen(suffix) + 1;
	char *path = malloc(size);

	if (path)
		snprintf(path, size, "%.*s%s%s", (int)length, folder, name,
			 suffix);
	return path;
}

/* the real path of layer 0, and of its note */
static int note_paths(struct vhd_disk *disk, char **child, char **note)
{
	int rc = 0;

	*note = NULL;
	*child = realpath(vhd_disk_path(disk, 0), NULL);
	if (!*child)
		rc = vhd_error_of_errno(errno);
	else
		*note = with_suffix("", 0, *child, VHD_MERGE_NOTE_SUFFIX);
	return *note || rc ? rc : VHD_E_NOMEM;
}

/* -- writing -----------------------------------------------------------------
 */

/* the line of a layer, if it lies in the child's folder; its length */
static size_t put_layer(struct vhd_disk *disk, unsigned layer,
			const char *child, char *out)
{
	char *path = realpath(vhd_disk_path(disk, layer), NULL);
	size_t folder = folder_length(child), n = 0;
	char id[VHD_GUID_TEXT];

	if (path && folder_length(path) == folder &&
	    !memcmp(path, child, folder) && !strchr(path + folder, '\n')) {
		identity(vhd_disk_image(disk, layer), id);
		n = (size_t)snprintf(out, LINE_MAX_BYTES, "%s %s\n", id,
				     path + folder);
	}
	free(path);
	return n < LINE_MAX_BYTES ? n : 0;
}

static size_t put_lines(struct vhd_disk *disk, unsigned into, const char *child,
			char *out)
{
	char id[VHD_GUID_TEXT];
	size_t n;

	identity(vhd_disk_image(disk, into), id);
	n = (size_t)snprintf(out, LINE_MAX_BYTES, FIRST_LINE "\n%s\n", id);
	for (unsigned i = 1; i < into; i++)
		n += put_layer(disk, i, child, out + n);
	return n;
}

static int write_note(const char *path, const char *text, size_t length,
		      struct vhd_diag *diag)
{
	struct vhd_output out;
	int rc;

	if (unlink(path) && errno != ENOENT)
		return vhd_output_fail(diag, vhd_error_of_errno(errno), path,
				       "cannot be replaced");
	rc = vhd_output_open(path, false, &out, diag);
	if (rc)
		return rc;
	rc = vhd_output_write(&out, text, length);
	if (!rc)
		return vhd_output_commit(&out, diag);
	vhd_output_abort(&out);
	return vhd_output_fail(diag, rc, path, "cannot be written");
}

int vhd_merge_note(struct vhd_disk *disk, unsigned into, struct vhd_diag *diag)
{
	char *child = NULL, *note = NULL,
	     *text = malloc(NOTE_MAX + LINE_MAX_BYTES);
	int rc = note_paths(disk, &child, &note);

	if (!rc && !text)
		rc = VHD_E_NOMEM;
	if (rc)
		vhd_output_fail(diag, rc, vhd_disk_path(disk, 0),
				vhd_strerror(rc));
	else
		rc = write_note(note, text, put_lines(disk, into, child, text),
				diag);
	free(text);
	free(note);
	free(child);
	return rc;
}

/* -- what an earlier merge has left ------------------------------------------
 */

/* the whole note as a string; NULL if there is none, or it is too long */
static char *read_note(const char *path)
{
	int fd = (int)TEMP_FAILURE_RETRY(
		open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
	char *text = fd < 0 ? NULL : calloc(1, NOTE_MAX + LINE_MAX_BYTES);
	size_t done = 0;
	ssize_t n = 1;

	while (text && n > 0 && done < NOTE_MAX) {
		n = TEMP_FAILURE_RETRY(read(fd, text + done, NOTE_MAX - done));
		done += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	if (text && !n)
		return text;
	free(text);
	return NULL;
}

/* does the child name the ancestor that the note is about? */
static bool is_current(struct vhd_disk *disk, const char *line)
{
	char id[VHD_GUID_TEXT];

	identity(vhd_disk_image(disk, 1), id);
	return strcmp(line, id) == 0;
}

static bool is_layer(struct vhd_disk *disk, const char *path)
{
	for (unsigned i = 0; i < vhd_disk_layers(disk); i++)
		if (vhd_disk_is_file(disk, i, path))
			return true;
	return false;
}

/* the image is what was noted, and ours alone while `*out` is open */
static int open_left(struct vhd_disk *disk, const char *path, const char *id,
		     struct vhd_disk **out, struct vhd_diag *diag)
{
	const struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = vhd_image_format(vhd_disk_image(disk, 0)),
		.flags =
			VHD_DISK_WRITE | VHD_DISK_LAYER | VHD_DISK_SAME_CONTENT,
	};
	struct vhd_image_info info;
	char found[VHD_GUID_TEXT];
	int rc = vhd_disk_open(path, &options, out, diag);

	if (rc)
		return rc;
	vhd_image_get_info(vhd_disk_image(*out, 0), &info);
	identity(vhd_disk_image(*out, 0), found);
	if (info.type == VHD_TYPE_DIFFERENCING && !strcmp(found, id))
		return 0;
	vhd_disk_close(*out);
	return VHD_E_MISMATCH;
}

/* Another program's file by that name is none of our business. */
static int remove_left(struct vhd_disk *disk, const char *path, const char *id,
		       struct vhd_diag *diag)
{
	struct vhd_disk *left;
	int rc;

	if (access(path, F_OK) || is_layer(disk, path))
		return 0;
	rc = open_left(disk, path, id, &left, diag);
	if (rc == VHD_E_MISMATCH || rc == VHD_E_FORMAT)
		return 0;
	if (rc) {
		vhd_output_fail_path(diag, path);
		return rc;
	}
	if (unlink(path))
		rc = vhd_output_fail(diag, vhd_error_of_errno(errno), path,
				     "cannot be deleted");
	vhd_disk_close(left);
	return rc;
}

/* "IDENTITY NAME" */
static int remove_line(struct vhd_disk *disk, const char *child, char *line,
		       struct vhd_diag *diag)
{
	char *name = strchr(line, ' '), *path;
	int rc;

	if (!name || strchr(name, '/'))
		return 0;
	*name++ = '\0';
	path = with_suffix(child, folder_length(child), name, "");
	if (!path)
		return VHD_E_NOMEM;
	rc = remove_left(disk, path, line, diag);
	free(path);
	return rc;
}

static int remove_lines(struct vhd_disk *disk, const char *child, char *text,
			struct vhd_diag *diag)
{
	char *rest = text, *line = strsep(&rest, "\n");
	int rc = 0;

	if (strcmp(line, FIRST_LINE) != 0)
		return 0;
	line = strsep(&rest, "\n");
	if (!line || !is_current(disk, line))
		return 0;
	while (!rc && (line = strsep(&rest, "\n")))
		rc = remove_line(disk, child, line, diag);
	return rc;
}

int vhd_merge_remove_noted(struct vhd_disk *disk, struct vhd_diag *diag)
{
	char *child = NULL, *note = NULL, *text = NULL;
	int rc = note_paths(disk, &child, &note);

	if (!rc)
		text = read_note(note);
	if (text)
		rc = remove_lines(disk, child, text, diag);
	free(text);
	free(note);
	free(child);
	return rc;
}

int vhd_merge_forget_note(struct vhd_disk *disk, bool *was_there,
			  struct vhd_diag *diag)
{
	char *child = NULL, *note = NULL;
	int rc = note_paths(disk, &child, &note);

	if (!rc) {
		*was_there = !unlink(note);
		if (!*was_there && errno != ENOENT)
			rc = vhd_output_fail(diag, vhd_error_of_errno(errno),
					     note, "cannot be deleted");
	}
	free(note);
	free(child);
	return rc;
}
