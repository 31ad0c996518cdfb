/* SPDX-License-Identifier: BSD-2-Clause */
#include "dmdisk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "dm.h"
#include "loopdev.h"
#include "module.h"

/* how our mapped devices are called */
#define LABEL "vhd-attach-"

/* -- making ------------------------------------------------------------------
 */

struct stack {
	struct vhd_disk *disk;
	const char *image;
	char loops[VHD_DISK_DEPTH_MAX][DEVICE_NAME]; /* "": not needed yet */
	struct dm_table table;
};

static int attach_layer(struct stack *s, unsigned layer)
{
	struct vhd_image *image = vhd_disk_image(s->disk, layer);
	const char *path = vhd_disk_path(s->disk, layer);
	const struct loop_request request = {
		.fd = vhd_file_fd(vhd_image_file(image)),
		.block = vhd_disk_sector_size(s->disk),
		.read_only = true,
	};

	if (s->loops[layer][0])
		return TOOL_DONE;
	if (vhd_image_conditions(image) & VHD_COND_LOG_DIRTY) {
		diag_error(path, "has a dirty log, which only NBD can read "
				 "through");
		diag_hint("vhdtool log --replay applies it");
		return TOOL_FAILED;
	}
	return loop_attach(path, &request, s->loops[layer]);
}

/* "major:minor sector" */
static int describe(const char *loop, uint64_t offset, char *text, size_t size)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/dev/%s", loop);
	if (stat(path, &st))
		return diag_error(path, "%s", strerror(errno));
	snprintf(text, size, "%u:%u %" PRIu64, major(st.st_rdev),
		 minor(st.st_rdev), offset / 512);
	return TOOL_DONE;
}

static int add_extent(struct stack *s, const struct vhd_extent *e)
{
	char text[64];
	int rc;

	if (e->kind == VHD_EXTENT_ZERO) {
		dm_table_add(&s->table, e->start, e->length, "zero", "");
		return TOOL_DONE;
	}
	rc = attach_layer(s, e->depth);
	if (!rc)
		rc = describe(s->loops[e->depth], e->offset, text,
			      sizeof(text));
	if (!rc)
		dm_table_add(&s->table, e->start, e->length, "linear", text);
	return rc;
}

/* True if `e` goes on where `last` ends, which is made longer then. */
static bool join(struct vhd_extent *last, const struct vhd_extent *e)
{
	if (last->kind != e->kind ||
	    (e->kind == VHD_EXTENT_DATA &&
	     (last->depth != e->depth ||
	      last->offset + last->length != e->offset)))
		return false;
	last->length += e->length;
	return true;
}

static int fill_table(struct stack *s)
{
	const uint64_t size = vhd_disk_size(s->disk);
	struct vhd_extent last = {0}, e;
	struct vhd_diag diag = {0};
	uint64_t at = 0;
	int rc = TOOL_DONE;

	while (!rc && at < size) {
		rc = vhd_disk_extent(s->disk, at, size - at, &e, &diag);
		if (rc)
			return diag_failure(s->image, rc, &diag);
		at += e.length;
		if (last.length && join(&last, &e))
			continue;
		if (last.length)
			rc = add_extent(s, &last);
		last = e;
	}
	return rc ? rc : add_extent(s, &last);
}

static void drop_loops(struct stack *s)
{
	for (unsigned i = 0; i < VHD_DISK_DEPTH_MAX; i++)
		if (s->loops[i][0])
			loop_detach(s->loops[i]);
}

/* The device with partitions on top of the mapped one. */
static int attach_top(const struct stack *s, unsigned number,
		      char name[DEVICE_NAME])
{
	struct loop_request request = {
		.size = vhd_disk_size(s->disk),
		.block = vhd_disk_sector_size(s->disk),
		.read_only = true,
		.partitions = true,
	};
	char mapped[DEVICE_NAME];
	int rc;

	snprintf(mapped, sizeof(mapped), "dm-%u", number);
	request.fd = device_open(mapped, O_RDONLY);
	if (request.fd < 0)
		return diag_error(mapped, "%s", strerror(errno));
	rc = loop_attach(s->image, &request, name);
	close(request.fd);
	return rc;
}

static int build(struct stack *s, char name[DEVICE_NAME])
{
	char label[64];
	unsigned number;
	int rc = fill_table(s);

	if (rc)
		return rc;
	/* one a process: names must not be taken already */
	snprintf(label, sizeof(label), LABEL "%d", (int)getpid());
	if (dm_create(label, &s->table, &number)) {
		diag_error(s->image, "cannot be mapped: %s", strerror(errno));
		diag_hint("the device mapper is the module dm-mod, its zeros "
			  "are dm-zero");
		return TOOL_FAILED;
	}
	rc = attach_top(s, number, name);
	if (rc)
		dm_remove(number);
	return rc;
}

int dm_disk_attach(const char *image, const struct open_options *open,
		   char name[DEVICE_NAME])
{
	struct stack *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return diag_error(image, "out of memory");
	s->image = image;
	rc = open_disk(image, open, 0, &s->disk);
	if (!rc) {
		module_load("dm-zero");
		rc = build(s, name);
		if (rc)
			drop_loops(s);
		dm_table_free(&s->table);
		vhd_disk_close(s->disk);
	}
	free(s);
	return rc;
}

/* -- taking down -------------------------------------------------------------
 */

/* By its name alone: in an exit environment the kernel does not know any more
 * where the folder was. */
bool dm_disk_beneath(const char *loop, char dm[DEVICE_NAME])
{
	char path[4096], label[64];
	const char *name;

	if (!device_attribute(loop, "loop/backing_file", path, sizeof(path)))
		return false;
	name = strrchr(path, '/');
	if (!name || strncmp(name, "/dm-", 4) != 0 ||
	    strlen(name + 1) >= DEVICE_NAME)
		return false;
	strcpy(dm, name + 1);
	return device_attribute(dm, "dm/name", label, sizeof(label)) &&
	       strncmp(label, LABEL, strlen(LABEL)) == 0;
}

/* The first entry of a folder of links in /sys/block/NAME. */
static bool first_link(const char *name, const char *folder,
		       char link[DEVICE_NAME])
{
	bool found = false;
	char path[128];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/block/%s/%s", name, folder);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		found = e->d_name[0] != '.' && strlen(e->d_name) < DEVICE_NAME;
		if (found)
			strcpy(link, e->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool dm_disk_above(const char *loop, char dm[DEVICE_NAME])
{
	return first_link(loop, "holders", dm);
}

static int detach_layers(const char layers[][DEVICE_NAME], unsigned count)
{
	int rc = TOOL_DONE;

	for (unsigned i = 0; i < count; i++)
		if (loop_is_ours(layers[i]) && loop_detach(layers[i]))
			rc = TOOL_FAILED;
	return rc;
}

static unsigned list_layers(const char *dm, char layers[][DEVICE_NAME])
{
	unsigned count = 0;
	char path[128];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/block/%s/slaves", dm);
	dir = opendir(path);
	while (dir && count < VHD_DISK_DEPTH_MAX && (e = readdir(dir)))
		if (e->d_name[0] != '.' && strlen(e->d_name) < DEVICE_NAME)
			strcpy(layers[count++], e->d_name);
	if (dir)
		closedir(dir);
	return count;
}

int dm_disk_detach(const char *loop, const char *dm)
{
	static char layers[VHD_DISK_DEPTH_MAX][DEVICE_NAME];
	unsigned count = list_layers(dm, layers);
	int rc = loop_detach(loop);

	if (rc)
		return rc;
	if (dm_remove((unsigned)strtoul(dm + 3, NULL, 10)))
		return diag_error(dm, "cannot be removed: %s", strerror(errno));
	return detach_layers(layers, count);
}
