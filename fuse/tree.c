/* SPDX-License-Identifier: BSD-2-Clause */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

size_t tree_add(struct tree *t, size_t parent, const char *name,
		enum node_kind kind)
{
	if (t->count == t->room) {
		t->room = t->room ? t->room * 2 : 32;
		t->nodes = tool_resize(t->nodes, t->room * sizeof(*t->nodes));
	}
	t->nodes[t->count] = (struct node){
		.name = tool_must(strdup(name)),
		.parent = parent,
		.kind = kind,
	};
	return t->count++;
}

void tree_init(struct tree *t)
{
	*t = (struct tree){0};
	tree_add(t, TREE_NONE, "", NODE_FOLDER);
}

void tree_add_link(struct tree *t, size_t parent, const char *name,
		   const char *target)
{
	size_t node = tree_add(t, parent, name, NODE_LINK);

	t->nodes[node].target = tool_must(strdup(target));
}

void tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->nodes[i].name);
		free(t->nodes[i].target);
	}
	free(t->nodes);
	*t = (struct tree){0};
}

size_t tree_find(const struct tree *t, size_t parent, const char *name)
{
	for (size_t i = 1; i < t->count; i++)
		if (t->nodes[i].parent == parent &&
		    strcmp(t->nodes[i].name, name) == 0)
			return i;
	return TREE_NONE;
}

size_t tree_next(const struct tree *t, size_t parent, size_t from)
{
	for (size_t i = from; i < t->count; i++)
		if (i && t->nodes[i].parent == parent)
			return i;
	return TREE_NONE;
}
