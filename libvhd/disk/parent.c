/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A parent locator is a wish of a stranger. It is granted only below folders
 * the user named: that of the leaf, that of a parent given explicitly, and the
 * parent roots. A name is first made absolute in words (the child's folder,
 * with "." and ".." worked out), then held against those folders, then opened
 * relative to the folder's descriptor, so that nothing between check and open
 * can lead elsewhere.
 *
 * Order (CLI contract): the name beside the child, then relative locators, then
 * absolute ones that an allowed folder covers. A file with the wrong identity
 * is passed over, and reported if nothing better turns up.
 */
#include "parent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beneath.h"
#include "core/diag.h"
#include "core/path.h"
#include "file/file.h"

struct folder {
	int fd;
	char *path; /* real, without a trailing '/' unless it is "/" */
};

struct vhd_parent_search {
	const struct vhd_disk_options *options;
	struct folder *folders;
	size_t count;
};

/* What one search for one parent has met so far. */
struct attempt {
	struct vhd_parent_search *search;
	const struct vhd_layer *child;
	const char *child_folder; /* NULL if unknown */
	struct vhd_layer *out;
	int error; /* the most telling one */
	struct vhd_diag why;
};

/* What the host cannot do now must not pass for a parent that is not there. */
static bool is_of_host(int rc)
{
	return rc == VHD_E_NOMEM || rc == VHD_E_IO;
}

static int add_folder(struct vhd_parent_search *s, const char *path,
		      struct vhd_diag *diag)
{
	struct folder *folders =
		realloc(s->folders, (s->count + 1) * sizeof(*folders));
	struct folder f;
	int rc;

	if (!folders)
		return VHD_E_NOMEM;
	s->folders = folders;
	f.path = realpath(path, NULL);
	if (!f.path)
		goto fail;
	f.fd = (int)TEMP_FAILURE_RETRY(
		open(f.path, O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (f.fd < 0)
		goto fail_path;
	s->folders[s->count++] = f;
	return 0;
fail_path:
	free(f.path);
fail:
	rc = vhd_error_of_errno(errno);
	vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
		 rc == VHD_E_IO
			 ? "cannot be opened"
			 : vhd_errno_text(errno, "is no folder to look for "
						 "parents in"));
	return vhd_diag_path(diag, rc, path);
}

/* the folder of a file's real path; NULL without memory or file */
static char *folder_of(const char *path)
{
	char *real = realpath(path, NULL), *slash;

	if (!real)
		return NULL;
	slash = strrchr(real, '/');
	slash[slash == real] = '\0';
	return real;
}

static int add_folder_of(struct vhd_parent_search *s, const char *path,
			 struct vhd_diag *diag)
{
	char *folder = folder_of(path);
	int rc;

	if (!folder && is_of_host(vhd_error_of_errno(errno)))
		return vhd_fail(diag, vhd_error_of_errno(errno), NULL,
				VHD_NO_OFFSET,
				vhd_errno_text(errno, "cannot be looked up"));
	if (!folder)
		return 0; /* the open itself says what is wrong */
	rc = add_folder(s, folder, diag);
	free(folder);
	return rc;
}

int vhd_parent_search_new(const char *leaf_path,
			  const struct vhd_disk_options *options,
			  struct vhd_parent_search **out, struct vhd_diag *diag)
{
	struct vhd_parent_search *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (!s)
		return VHD_E_NOMEM;
	s->options = options;
	if (leaf_path)
		rc = add_folder_of(s, leaf_path, diag);
	if (!rc && options->parent)
		rc = add_folder_of(s, options->parent, diag);
	for (size_t i = 0; i < options->parent_root_count && !rc; i++)
		rc = add_folder(s, options->parent_roots[i], diag);
	if (rc) {
		vhd_parent_search_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void vhd_parent_search_free(struct vhd_parent_search *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		close(s->folders[i].fd);
		free(s->folders[i].path);
	}
	free(s->folders);
	free(s);
}

/* appends the components of `more` to the absolute path in `out` */
static bool append_components(char *out, size_t size, const char *more)
{
	size_t used = strlen(out);

	while (*more) {
		size_t n = strcspn(more, "/");

		if (n == 2 && !memcmp(more, "..", 2)) {
			char *slash = strrchr(out, '/');

			if (!slash)
				return false; /* above the root */
			*slash = '\0';
			used = (size_t)(slash - out);
		} else if (n && !(n == 1 && *more == '.')) {
			if (used + 1 + n >= size)
				return false;
			out[used++] = '/';
			memcpy(out + used, more, n);
			used += n;
			out[used] = '\0';
		}
		more += n + (more[n] == '/');
	}
	return true;
}

/* the part of an absolute path below a folder, or NULL */
static const char *below(const struct folder *f, const char *path)
{
	size_t n = strlen(f->path);

	if (n == 1) /* "/" */
		n = 0;
	if (strncmp(path, f->path, n) != 0 || path[n] != '/' || !path[n + 1])
		return NULL;
	return path + n + 1;
}

/* the order of how much an error explains */
static int weight(int error)
{
	switch (error) {
	case VHD_E_PARENT:
		return 1;
	case VHD_E_FORMAT:
		return 2;
	case VHD_E_MISMATCH:
		return 3;
	default:
		return 4;
	}
}

static void note(struct attempt *a, int error, const struct vhd_diag *why)
{
	if (a->error && weight(error) <= weight(a->error))
		return;
	a->error = error;
	a->why = *why;
}

/* an opened candidate: is it an image, and the right one? */
static int judge(struct attempt *a, struct vhd_file *file, const char *path)
{
	const struct vhd_disk_options *options = a->search->options;
	struct vhd_diag why = {0};
	struct vhd_image *image;
	int rc = vhd_disk_open_image(file, options,
				     options->flags & ~(uint32_t)VHD_DISK_WRITE,
				     &image, &why);

	if (rc) {
		vhd_file_close(file);
		note(a, vhd_diag_path(&why, rc, path), &why);
		return rc;
	}
	rc = vhd_image_check_parent(a->child->image, image, &why);
	if (rc == VHD_E_MISMATCH && (options->flags & VHD_DISK_IGNORE_ID) &&
	    vhd_image_sector_size(image) ==
		    vhd_image_sector_size(a->child->image))
		rc = 0;
	a->out->path = rc ? NULL : strdup(path);
	if (!rc && !a->out->path)
		rc = VHD_E_NOMEM;
	if (rc) {
		vhd_image_close(image);
		note(a, vhd_diag_path(&why, rc, path), &why);
		return rc;
	}
	a->out->image = image;
	return 0;
}

static void note_host(struct attempt *a, int rc, const char *path)
{
	struct vhd_diag why = {0};

	vhd_fail(&why, rc, NULL, VHD_NO_OFFSET,
		 vhd_errno_text(errno, vhd_strerror(rc)));
	note(a, vhd_diag_path(&why, rc, path), &why);
}

/* looks for an absolute path in the folders that are allowed */
static int try_absolute(struct attempt *a, const char *path)
{
	for (size_t i = 0; i < a->search->count; i++) {
		const struct folder *f = &a->search->folders[i];
		const char *name = below(f, path);
		struct vhd_file *file;
		int fd = name ? vhd_open_beneath(f->fd, name) : VHD_E_PARENT;

		int rc = fd < 0 ? fd : vhd_file_open_fd(fd, 0, &file, NULL);

		if (!rc)
			return judge(a, file, path);
		if (is_of_host(rc))
			note_host(a, rc, path);
	}
	return VHD_E_PARENT;
}

static int try_relative(struct attempt *a, const char *name)
{
	char path[PATH_MAX];
	size_t n;

	if (!a->child_folder)
		return VHD_E_PARENT;
	n = strlen(a->child_folder);
	if (n >= sizeof(path))
		return VHD_E_PARENT;
	memcpy(path, a->child_folder, n + 1);
	if (n == 1)
		path[0] = '\0';
	if (!append_components(path, sizeof(path), name))
		return VHD_E_PARENT;
	return try_absolute(a, path);
}

enum pass { BESIDE, RELATIVE, ABSOLUTE, PASSES };

static int try_hint(struct attempt *a, const struct vhd_parent_hint *h,
		    enum pass pass)
{
	char path[PATH_MAX] = "";

	switch (pass) {
	case BESIDE:
		return try_relative(a, vhd_path_base(h->path));
	case RELATIVE:
		return h->relative ? try_relative(a, h->path) : VHD_E_PARENT;
	default:
		if (h->path[0] != '/' || h->path[1] == '/' ||
		    !append_components(path, sizeof(path), h->path))
			return VHD_E_PARENT;
		return try_absolute(a, path);
	}
}

/* behind the last hint, or the host fails: asking on would not end */
static bool ends_hints(int rc)
{
	return rc == VHD_E_RANGE || rc == VHD_E_IO || rc == VHD_E_NOMEM;
}

static int set_error(struct attempt *a, int rc)
{
	vhd_fail(&a->why, rc, NULL, VHD_NO_OFFSET, vhd_strerror(rc));
	a->error = vhd_diag_path(&a->why, rc, a->child->path);
	return rc;
}

static int search_hints(struct attempt *a)
{
	struct vhd_parent_hint hint;

	for (int pass = BESIDE; pass < PASSES; pass++) {
		int rc = 0;

		for (unsigned i = 0; !ends_hints(rc); i++) {
			rc = vhd_image_parent_hint(a->child->image, i, &hint);
			if (rc || !hint.path[0])
				continue;
			if (!try_hint(a, &hint, (enum pass)pass))
				return 0;
		}
		if (rc != VHD_E_RANGE)
			return set_error(a, rc);
	}
	return VHD_E_PARENT;
}

/* the parent the user named: no search, no policy */
static int try_explicit(struct attempt *a, const char *path)
{
	struct vhd_file *file;
	int rc = vhd_file_open(path, 0, &file, &a->why);

	if (rc) {
		a->error = vhd_diag_path(&a->why, rc, path);
		return rc;
	}
	return judge(a, file, path);
}

static int ask_caller(struct attempt *a, unsigned depth)
{
	const struct vhd_disk_options *o = a->search->options;
	char name[256] = "";
	struct vhd_file *file;
	int rc = o->find_parent(o->find_parent_ctx, a->child->image, depth,
				&file, name, sizeof(name));

	if (!rc)
		return judge(a, file, name);
	return rc == VHD_E_PARENT ? rc : set_error(a, rc);
}

/* no candidate at all: say what the image asked for */
static int report_missing(const struct attempt *a, struct vhd_diag *diag)
{
	struct vhd_parent_hint hint;
	const char *wanted = "";
	char text[sizeof(diag->text)];
	size_t n = 0;
	int rc = 0;

	for (unsigned i = 0; !ends_hints(rc) && !*wanted; i++) {
		rc = vhd_image_parent_hint(a->child->image, i, &hint);
		if (!rc && hint.path[0])
			wanted = hint.stored;
	}
	vhd_fail(diag, VHD_E_PARENT, NULL, VHD_NO_OFFSET,
		 "its parent was not found in the folders where it may be");
	if (*wanted && diag) {
		static const char intro[] = "its parent '";
		static const char rest[] =
			"' was not found in the folders where it may be";

		memcpy(text, intro, sizeof(intro));
		n = sizeof(intro) - 1;
		while (*wanted && n < sizeof(text) - sizeof(rest))
			text[n++] = *wanted++;
		memcpy(text + n, rest, sizeof(rest));
		memcpy(diag->text, text, sizeof(text));
	}
	vhd_hint(diag, VHD_E_PARENT,
		 "name it with --parent, or allow its folder with "
		 "--parent-root");
	return vhd_diag_path(diag, VHD_E_PARENT, a->child->path);
}

int vhd_parent_find(struct vhd_parent_search *search,
		    const struct vhd_layer *child, unsigned depth,
		    struct vhd_layer *out, struct vhd_diag *diag)
{
	const struct vhd_disk_options *o = search->options;
	char *folder = child->path[0] ? folder_of(child->path) : NULL;
	struct attempt a = {search, child, folder, out, 0, {0}};
	int rc = folder ? 0 : vhd_error_of_errno(errno);

	if (child->path[0] && !folder && is_of_host(rc))
		rc = set_error(&a, rc);
	else if (o->find_parent)
		rc = ask_caller(&a, depth);
	else if (depth == 0 && o->parent)
		rc = try_explicit(&a, o->parent);
	else
		rc = search_hints(&a);
	free(folder);
	if (!rc)
		return 0;
	if (!a.error)
		return report_missing(&a, diag);
	if (diag)
		*diag = a.why;
	return a.error;
}
