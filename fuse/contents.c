/* SPDX-License-Identifier: BSD-2-Clause */
#include "contents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layer.h"
#include "memory.h"
#include "partitions.h"

size_t contents_add_view(struct mount *m, size_t parent, const char *name,
			 struct view view)
{
	struct views *v = &m->views;
	size_t node = tree_add(&m->tree, parent, name, NODE_VIEW);

	v->items = tool_resize(v->items, (v->count + 1) * sizeof(*v->items));
	v->items[v->count] = view;
	m->tree.nodes[node].view = v->count++;
	return node;
}

static void add_layers(struct mount *m)
{
	size_t folder = tree_add(&m->tree, TREE_ROOT, "layers", NODE_FOLDER);
	char name[16];

	for (unsigned i = 0; i < vhd_disk_layers(m->disk); i++) {
		snprintf(name, sizeof(name), "%u", i);
		contents_add_view(m, folder, name,
				  (struct view){
					  .disk = m->disk,
					  .layer = i,
					  .length = vhd_image_size(
						  vhd_disk_image(m->disk, i)),
				  });
	}
}

/* info.json: an array, one object a layer, as `vhdtool info --json --chain` */
static char *make_info(struct mount *m)
{
	struct chain chain = {.disk = m->disk, .complete = true};
	json_t *all = json_new_array();
	char *text, *out;
	size_t n;

	for (unsigned i = 0; i < vhd_disk_layers(m->disk); i++) {
		struct layer layer;

		layer_get(&chain, m->image, i, false, &layer);
		json_add(all, layer_json(&layer));
		layer_free(&layer);
	}
	text = tool_must(json_dumps(all, JSON_INDENT(2)));
	json_decref(all);
	n = strlen(text);
	out = tool_zalloc(n + 2);
	memcpy(out, text, n);
	out[n] = '\n';
	free(text);
	return out;
}

void contents_build(struct mount *m, const struct cmdline *options)
{
	tree_init(&m->tree);
	contents_add_view(m, TREE_ROOT, "disk",
			  (struct view){
				  .disk = m->disk,
				  .length = vhd_disk_size(m->disk),
				  .writable = vhd_disk_is_writable(m->disk),
			  });
	partitions_add(m, options);
	add_layers(m);
	m->info = make_info(m);
	tree_add(&m->tree, TREE_ROOT, "info.json", NODE_INFO);
	m->mode = options->allow_other ? 0666 : 0600;
	m->uid = getuid();
	m->gid = getgid();
	m->time = time(NULL);
	m->max_read = options->max_read;
	pthread_mutex_init(&m->views.mutex, NULL);
	pthread_rwlock_init(&m->views.sectors, NULL);
}

void contents_free(struct mount *m)
{
	tree_free(&m->tree);
	free(m->views.items);
	free(m->info);
}
