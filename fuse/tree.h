/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of a mount, which never change while it lasts:
 *
 *	disk                 the virtual disk
 *	info.json            what is known of each layer
 *	partitions/N         a part of the disk
 *	partitions/by-label/NAME, by-uuid/UUID, by-type/TYPE[-N]   links to it
 *	layers/N             the disk as layer N and those below it show it
 *
 * Node i has inode number i + 1; the root is node 0.
 */
#ifndef FUSE_TREE_H
#define FUSE_TREE_H

#include <sys/types.h>

#include "view.h"

enum node_kind { NODE_FOLDER, NODE_VIEW, NODE_INFO, NODE_LINK };

struct node {
	char *name;
	char *target; /* NODE_LINK */
	size_t parent;
	size_t view; /* NODE_VIEW: index in views */
	enum node_kind kind;
};

struct tree {
	struct node *nodes;
	size_t count;
	size_t room;
};

#define TREE_ROOT ((size_t)0)
#define TREE_NONE ((size_t)-1)

/* All of these end the program when memory runs out: nothing is mounted yet. */
void tree_init(struct tree *tree);
size_t tree_add(struct tree *tree, size_t parent, const char *name,
		enum node_kind kind);
void tree_add_link(struct tree *tree, size_t parent, const char *name,
		   const char *target);
void tree_free(struct tree *tree);

/* The child of that name, or TREE_NONE. */
size_t tree_find(const struct tree *tree, size_t parent, const char *name);

/* The first child at or behind node `from`, or TREE_NONE. */
size_t tree_next(const struct tree *tree, size_t parent, size_t from);

#endif
