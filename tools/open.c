/* SPDX-License-Identifier: BSD-2-Clause */
#include "open.h"

#include <string.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "format.h"

static bool is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

int open_format(const char *path, int given)
{
	return given ? given : format_from_path(path);
}

int open_need_format(const char *path, int given, int *format)
{
	int found = open_format(path, given);

	if (!found) {
		diag_usage("%s: the extension does not tell the format", path);
		diag_hint("say it with -f raw, -f vhd or -f vhdx");
		return TOOL_USAGE;
	}
	*format = found;
	return TOOL_DONE;
}

/* 0 if the file cannot be read or looks like nothing we know. */
static int probe(const char *path)
{
	struct vhd_file *file;
	int format;

	if (vhd_file_open(path, 0, &file, NULL))
		return 0;
	format = format_from_content(file);
	vhd_file_close(file);
	return format;
}

int open_guess_format(const char *path, int given, int *format, bool *guessed)
{
	struct vhd_diag diag = {0};
	struct vhd_file *file;
	int rc;

	*guessed = false;
	*format = open_format(path, given);
	if (*format)
		return TOOL_DONE;
	rc = vhd_file_open(path, 0, &file, &diag);
	if (rc)
		return diag_failure(path, rc, &diag);
	*format = format_from_content(file);
	vhd_file_close(file);
	*guessed = true;
	if (*format)
		return TOOL_DONE;
	diag_usage("%s: neither extension nor content tell the format", path);
	diag_hint("say it with -f raw, -f vhd or -f vhdx");
	return TOOL_USAGE;
}

struct vhd_disk_options open_disk_options(const struct open_options *options,
					  int format, uint32_t flags)
{
	if (options->force_share)
		flags |= VHD_DISK_FORCE_SHARE;
	if (options->layer)
		flags |= VHD_DISK_LAYER;
	if (options->ignore_id)
		flags |= VHD_DISK_IGNORE_ID;
	if (options->ignore_children)
		flags |= VHD_DISK_IGNORE_CHILDREN;
	return (struct vhd_disk_options){
		.size = sizeof(struct vhd_disk_options),
		.format = format,
		.flags = flags,
		.parent = options->parent,
		.parent_roots = options->parent_roots.items,
		.parent_root_count = options->parent_roots.count,
	};
}

int open_failure(const char *path, int format, int error,
		 const struct vhd_diag *diag)
{
	bool about_leaf;
	int found;

	diag_failure(path, error, diag);
	/* of a parent's format the command line has no say */
	about_leaf = !diag->path[0] || strcmp(diag->path, path) == 0;
	if (error == VHD_E_FORMAT && !diag->hint && about_leaf) {
		found = probe(path);
		if (found && found != format)
			diag_hint("it looks like %s: try -f %s",
				  format_name(found), format_name(found));
	}
	return TOOL_FAILED;
}

static int open_stdin(const struct vhd_disk_options *options,
		      struct vhd_disk **out, struct vhd_diag *diag)
{
	struct vhd_file *file;
	int fd = dup(STDIN_FILENO);
	int rc;

	if (fd < 0)
		return VHD_E_IO;
	rc = vhd_file_open_fd(fd, 0, &file, diag);
	if (rc)
		return rc;
	rc = vhd_disk_open_file(file, "standard input", options, out, diag);
	if (rc)
		vhd_file_close(file);
	return rc;
}

static void warn(struct vhd_disk *disk, const char *path)
{
	for (unsigned i = 0; i < vhd_disk_layers(disk); i++) {
		const char *name = vhd_disk_path(disk, i);

		diag_conditions(*name ? name : path,
				vhd_image_conditions(vhd_disk_image(disk, i)));
	}
}

int open_disk(const char *path, const struct open_options *options,
	      uint32_t flags, struct vhd_disk **out)
{
	struct vhd_disk_options disk_options;
	struct vhd_diag diag = {0};
	int format, rc;

	rc = open_need_format(path, options->format, &format);
	if (rc)
		return rc;
	disk_options = open_disk_options(options, format, flags);
	if (is_stdin(path))
		rc = open_stdin(&disk_options, out, &diag);
	else
		rc = vhd_disk_open(path, &disk_options, out, &diag);
	if (rc)
		return open_failure(path, format, rc, &diag);
	warn(*out, path);
	return TOOL_DONE;
}

int open_disk_file(struct vhd_file *file, const char *name,
		   const struct open_options *options, uint32_t flags,
		   struct vhd_disk **out)
{
	struct vhd_disk_options disk_options =
		open_disk_options(options, options->format, flags);
	struct vhd_diag diag = {0};
	int rc = vhd_disk_open_file(file, name, &disk_options, out, &diag);

	if (rc) {
		vhd_file_close(file);
		return diag_failure(name, rc, &diag);
	}
	warn(*out, name);
	return TOOL_DONE;
}

int open_file(const char *path, const struct open_options *options,
	      struct vhd_file **file, int *format)
{
	struct vhd_diag diag = {0};
	bool guessed;
	int rc;

	rc = open_guess_format(path, options->format, format, &guessed);
	if (rc)
		return rc;
	rc = vhd_file_open(path, 0, file, &diag);
	if (rc)
		return diag_failure(path, rc, &diag);
	if (!options->force_share && vhd_file_lock(*file, VHD_LOCK_SHARED)) {
		vhd_file_close(*file);
		diag_error(path, "another program writes the image");
		diag_hint("--force-share reads it anyway");
		return TOOL_FAILED;
	}
	return TOOL_DONE;
}

bool open_is_part(struct vhd_disk *disk, const char *path)
{
	struct vhd_file_id id = {0}, other = {0};
	struct vhd_file *file;
	bool same = false;

	if (is_stdin(path) || vhd_file_open(path, 0, &file, NULL))
		return false;
	(void)vhd_file_id(file, &id);
	for (unsigned i = 0; i < vhd_disk_layers(disk); i++) {
		struct vhd_image *image = vhd_disk_image(disk, i);

		if (vhd_file_id(vhd_image_file(image), &other))
			continue;
		same = same || (id.inode && id.inode == other.inode &&
				id.device == other.device);
	}
	vhd_file_close(file);
	return same;
}

void open_add_arguments(struct helper_arguments *a,
			const struct open_options *options)
{
	if (options->format)
		helper_add_value(a, "--format", format_name(options->format));
	if (options->parent)
		helper_add_value(a, "--parent", options->parent);
	for (size_t i = 0; i < options->parent_roots.count; i++)
		helper_add_value(a, "--parent-root",
				 options->parent_roots.items[i]);
	if (options->ignore_id)
		helper_add(a, "--ignore-id-mismatch");
	if (options->ignore_children)
		helper_add(a, "--ignore-children");
}
