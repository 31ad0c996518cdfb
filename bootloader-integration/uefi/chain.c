/* SPDX-License-Identifier: BSD-2-Clause */
#include "chain.h"

#include "core/checked.h"
#include "core/diag.h"
#include "core/mem.h"
#include "memory.h"
#include "text.h"

#define EXTENTS     64u
#define EXTENTS_MAX (1u << 20)
/* for the pending updates of a VHDX */
#define WINDOW_MAX ((size_t)16 << 20)

/* -- one file ----------------------------------------------------------------
 */

/* which file it was; a path that is too long is shortened in front */
static int blame(struct vhd_diag *diag, int rc, const char *path)
{
	size_t n = text_length(path);

	if (!rc || diag->path[0])
		return rc;
	if (n >= sizeof(diag->path))
		path += n - sizeof(diag->path) + 1;
	memcpy(diag->path, path, text_length(path) + 1);
	return rc;
}

static int no_memory(struct vhd_diag *diag)
{
	return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
			"the firmware has no memory left");
}

static int room_for(struct hostfs_file *file, uint32_t room,
		    struct vhd_diag *diag)
{
	memory_put(file->extents);
	*file = (struct hostfs_file){
		.extents = memory_get(room * sizeof(*file->extents)),
		.room = room,
	};
	return file->extents ? 0 : no_memory(diag);
}

static int find(struct hostfs *fs, const char *path, struct hostfs_file *file,
		struct vhd_diag *diag)
{
	int rc = room_for(file, EXTENTS, diag);

	if (!rc)
		rc = hostfs_find(fs, path, file, diag);
	if (rc != VHD_E_LIMIT || file->count > EXTENTS_MAX)
		return rc;
	rc = room_for(file, file->count, diag);
	return rc ? rc : hostfs_find(fs, path, file, diag);
}

int64_t chain_read_file(struct hostfs *fs, const char *path, void *buf,
			size_t room, struct vhd_diag *diag)
{
	struct hostfs_file file = {0};
	int rc = find(fs, path, &file, diag);

	if (!rc && file.size > room)
		rc = vhd_fail(diag, VHD_E_LIMIT, NULL, VHD_NO_OFFSET,
			      "the file is too long");
	if (!rc)
		rc = hostfs_read(&fs->volume, &file, 0, buf, (size_t)file.size);
	memory_put(file.extents);
	return rc ? blame(diag, rc, path) : (int64_t)file.size;
}

/* -- one layer ---------------------------------------------------------------
 */

static int read_layer(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct layer *layer = ctx;

	return hostfs_read(&layer->volume, &layer->file, offset, buf, len);
}

static void close_layer(struct layer *layer)
{
	if (!layer)
		return;
	memory_put(layer->file.extents);
	memory_put(layer->boot);
	memory_put(layer->window);
	memory_put(layer);
}

/* updates that were announced and cannot be read: what is there may be half of
 * something */
static int check_log(const struct layer *layer, struct vhd_diag *diag)
{
	if (!(vhd_boot_conditions(layer->boot) & VHD_COND_LOG_INVALID))
		return 0;
	return vhd_hint(diag,
			vhd_fail(diag, VHD_E_LOG, "VHDX log", VHD_NO_OFFSET,
				 vhd_strerror(VHD_E_LOG)),
			"run vhdtool check --repair on it");
}

static int open_boot(struct layer *layer, struct vhd_diag *diag)
{
	struct vhd_source source = {layer, read_layer, layer->file.size};
	int format = vhd_boot_format(&source, layer->path, diag), rc;
	size_t window = VHD_BOOT_WINDOW;

	if (format < 0)
		return format;
	layer->boot = memory_get(vhd_boot_size());
	if (!layer->boot)
		return no_memory(diag);
	do {
		memory_put(layer->window);
		layer->window = memory_get(window);
		if (!layer->window)
			return no_memory(diag);
		rc = vhd_boot_open(layer->boot, &source, format, layer->window,
				   window, &layer->boot, diag);
		window <<= 2;
	} while (rc == VHD_E_LIMIT && window <= WINDOW_MAX);
	return rc ? rc : check_log(layer, diag);
}

static int open_layer(struct hostfs *fs, const char *path, struct layer **out,
		      struct vhd_diag *diag)
{
	struct layer *layer = memory_get(sizeof(*layer));
	int rc = layer ? 0 : no_memory(diag);

	if (!rc && !text_path(layer->path, sizeof(layer->path), path))
		rc = vhd_fail(diag, VHD_E_LIMIT, NULL, VHD_NO_OFFSET,
			      "the path is too long");
	if (!rc) {
		layer->volume = fs->volume;
		rc = find(fs, layer->path, &layer->file, diag);
	}
	if (!rc)
		rc = open_boot(layer, diag);
	if (rc) {
		blame(diag, rc, path);
		close_layer(layer);
		return rc;
	}
	*out = layer;
	return 0;
}

/* -- the parents -------------------------------------------------------------
 */

/* names differ in case and in more ways; places do not */
static bool is_open(const struct chain *chain, const struct layer *layer)
{
	for (const struct layer *l = chain->leaf; l; l = l->parent)
		if (l->file.extents[0].offset == layer->file.extents[0].offset)
			return true;
	return false;
}

static int join(struct chain *chain, struct layer *child, struct layer *parent,
		struct vhd_diag *diag)
{
	if (is_open(chain, parent))
		return vhd_fail(diag, VHD_E_LOOP, NULL, VHD_NO_OFFSET,
				"the chain of parents comes back to itself");
	if (chain->depth >= VHD_BOOT_DEPTH_MAX)
		return vhd_fail(diag, VHD_E_LIMIT, NULL, VHD_NO_OFFSET,
				"the chain of parents is too long");
	return vhd_boot_set_parent(child->boot, parent->boot, diag);
}

/* tries the index-th name; *tried says that a file was there */
static int try_parent(struct hostfs *fs, struct chain *chain,
		      struct layer *child, const char *name, bool *tried,
		      struct vhd_diag *diag)
{
	struct layer *parent;
	char path[CHAIN_PATH];
	int rc;

	if (!text_beside(path, sizeof(path), child->path, name))
		return VHD_E_NOENT;
	rc = open_layer(fs, path, &parent, diag);
	if (rc != VHD_E_NOENT)
		*tried = true;
	if (rc)
		return rc;
	rc = join(chain, child, parent, diag);
	if (rc) {
		blame(diag, rc, path);
		close_layer(parent);
		return rc;
	}
	child->parent = parent;
	chain->depth++;
	return 0;
}

static bool go_on(int rc)
{
	return rc == VHD_E_NOENT || rc == VHD_E_MISMATCH;
}

static int missing(struct layer *child, const char *name, struct vhd_diag *diag)
{
	int rc = vhd_fail(diag, VHD_E_PARENT, NULL, VHD_NO_OFFSET,
			  "its parent is not on this volume: ");

	diag->path[0] = '\0';
	text_add(diag->text, sizeof(diag->text), name);
	return blame(diag, rc, child->path);
}

/* the last error counts, unless no file was there at all */
static int find_parent(struct hostfs *fs, struct chain *chain,
		       struct layer *child, struct vhd_diag *diag)
{
	char name[256], first[256] = "it names none";
	bool tried = false;
	int rc = VHD_E_NOENT;

	for (unsigned i = 0; go_on(rc); i++) {
		int got = vhd_boot_parent_path(child->boot, i, name,
					       sizeof(name));

		if (got == VHD_E_NOENT)
			break;
		if (got)
			return blame(diag,
				     vhd_fail(diag, got, "parent locator",
					      VHD_NO_OFFSET,
					      "the parent's name cannot be "
					      "read"),
				     child->path);
		if (!i)
			memcpy(first, name, sizeof(first));
		if (!tried)
			diag->path[0] = '\0';
		rc = try_parent(fs, chain, child, name, &tried, diag);
	}
	return rc && !tried ? missing(child, first, diag) : rc;
}

int chain_open(struct hostfs *fs, const char *path, struct chain *chain,
	       struct vhd_diag *diag)
{
	struct chain c = {.depth = 1};
	int rc = open_layer(fs, path, &c.leaf, diag);
	struct layer *layer = c.leaf;

	while (!rc && vhd_boot_needs_parent(layer->boot)) {
		rc = find_parent(fs, &c, layer, diag);
		layer = layer->parent;
	}
	if (rc) {
		chain_close(&c);
		return rc;
	}
	*chain = c;
	return 0;
}

void chain_close(struct chain *chain)
{
	while (chain->leaf) {
		struct layer *parent = chain->leaf->parent;

		close_layer(chain->leaf);
		chain->leaf = parent;
	}
}
