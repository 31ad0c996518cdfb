/* SPDX-License-Identifier: BSD-2-Clause */
#include "partitions.h"

void partitions_add(struct mount *m, const struct cmdline *options)
{
	(void)options;
	tree_add(&m->tree, TREE_ROOT, "partitions", NODE_FOLDER);
}
