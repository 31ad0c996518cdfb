/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking for parents. An image gives several names; each is looked up on the
 * child's device, relative to the child's folder. A file that is not there, or
 * is another image than the one the child was made of, leaves it to the next
 * name. A file that is there but broken ends the search.
 */
#include "chain.h"

#include <grub/mm.h>

#include "complain.h"

#define NAME_MAX 4096 /* bytes; on the heap */

struct search {
	struct vhd_layer *leaf;  /* of what is open so far */
	struct vhd_layer *child; /* its last one, whose parent is wanted */
	char *name;              /* NAME_MAX bytes: the name in turn */
	char *wrong;             /* a path that was the wrong file, or NULL */
	int why;                 /* and what was wrong with it */
};

/* No file has such a name, and a terminal would obey it. */
static int is_printable(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7F)
			return 0;
	return 1;
}

static char *path_beside(const char *path, const char *name)
{
	const char *slash = grub_strrchr(path, '/');
	grub_size_t folder = slash ? (grub_size_t)(slash - path) + 1 : 0;
	grub_size_t length = grub_strlen(name) + 1;
	char *out = grub_malloc(folder + length);

	if (!out)
		return NULL;
	grub_memcpy(out, path, folder);
	grub_memcpy(out + folder, name, length);
	return out;
}

static int is_open(const struct search *s, const char *path)
{
	for (const struct vhd_layer *l = s->leaf; l; l = l->parent)
		if (grub_strcmp(l->path, path) == 0)
			return 1;
	return 0;
}

/* Takes the path. */
static void note_wrong(struct search *s, char *path, int why)
{
	if (s->wrong) {
		grub_free(path);
		return;
	}
	s->wrong = path;
	s->why = why;
}

/* Takes the path. 1: joined; 0: look on; else GRUB's error is set. */
static int try_path(struct search *s, char *path)
{
	struct vhd_layer *parent;
	int rc;

	if (is_open(s, path)) {
		note_wrong(s, path, VHD_E_LOOP);
		return 0;
	}
	/* little: firmware leaves GRUB little, and a chain may be long */
	parent = vhd_layer_open(path, VHD_BOOT_WINDOW_MIN);
	if (!parent) {
		grub_free(path);
		if (grub_errno != GRUB_ERR_FILE_NOT_FOUND &&
		    grub_errno != GRUB_ERR_BAD_FILENAME)
			return -1;
		grub_errno = GRUB_ERR_NONE;
		return 0;
	}
	rc = vhd_boot_set_parent(s->child->boot, parent->boot, NULL);
	if (rc) {
		vhd_layer_close(parent);
		note_wrong(s, path, rc);
		return 0;
	}
	s->child->parent = parent;
	grub_free(path);
	return 1;
}

static int try_name(struct search *s)
{
	char *path;

	if (!is_printable(s->name))
		return 0;
	path = path_beside(s->child->path, s->name);
	return path ? try_path(s, path) : -1;
}

static grub_err_t complain_of_none(const struct search *s)
{
	const char *path = vhd_short(s->child->path);

	if (s->wrong && s->why == VHD_E_LOOP)
		return grub_error(GRUB_ERR_BAD_FILE_TYPE,
				  "%s: the chain of parents comes back to %s",
				  path, vhd_short(s->wrong));
	if (s->wrong)
		return grub_error(GRUB_ERR_BAD_FILE_TYPE,
				  "%s: is not the parent that %s was made of, "
				  "or was changed since",
				  vhd_short(s->wrong), path);
	if (!s->name[0] || !is_printable(s->name))
		return grub_error(GRUB_ERR_FILE_NOT_FOUND,
				  "%s: names no parent that can be looked for",
				  path);
	return grub_error(GRUB_ERR_FILE_NOT_FOUND,
			  "%s: its parent %s was not found beside it", path,
			  vhd_short(s->name));
}

static grub_err_t search_all(struct search *s)
{
	int rc = 0, joined = 0;

	for (unsigned i = 0; !joined; i++) {
		rc = vhd_boot_parent_path(s->child->boot, i, s->name, NAME_MAX);
		if (rc)
			break;
		joined = try_name(s);
	}
	if (joined)
		return joined > 0 ? GRUB_ERR_NONE : grub_errno;
	if (rc != VHD_E_NOENT)
		return vhd_complain(s->child->path, rc, &(struct vhd_diag){0});
	/* back to the first name, the one to tell of */
	if (vhd_boot_parent_path(s->child->boot, 0, s->name, NAME_MAX))
		s->name[0] = '\0';
	return complain_of_none(s);
}

static grub_err_t find_parent(struct vhd_layer *leaf, struct vhd_layer *child)
{
	struct search search = {leaf, child, grub_malloc(NAME_MAX), NULL, 0};

	if (search.name)
		search_all(&search);
	grub_free(search.name);
	grub_free(search.wrong);
	return grub_errno;
}

static grub_err_t complain_of_depth(const struct vhd_layer *leaf)
{
	return grub_error(GRUB_ERR_OUT_OF_RANGE, "%s: has more than %d parents",
			  vhd_short(leaf->path), VHD_BOOT_DEPTH_MAX - 1);
}

struct vhd_layer *vhd_chain_open(const char *path)
{
	struct vhd_layer *leaf = vhd_layer_open(path, VHD_BOOT_WINDOW);
	struct vhd_layer *last = leaf;
	grub_err_t error;

	for (int depth = 1; last && vhd_boot_needs_parent(last->boot);
	     depth++) {
		error = depth == VHD_BOOT_DEPTH_MAX ? complain_of_depth(leaf)
						    : find_parent(leaf, last);
		if (error) {
			vhd_chain_close(leaf);
			return NULL;
		}
		last = last->parent;
	}
	return leaf;
}

void vhd_chain_close(struct vhd_layer *leaf)
{
	while (leaf) {
		struct vhd_layer *parent = leaf->parent;

		vhd_layer_close(leaf);
		leaf = parent;
	}
}
