/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two mappers, one answer: opens an image and its chain with the loader's
 * reader over pread, and with the hosted library, and compares.
 *
 *   boot_read FILE vhd|vhdx
 *
 * Exit 0: both refuse the image, or both show the same disk. 1: they differ.
 *
 * The loader opens lazily and in a small window, so these are no differences:
 *  - a range that one refuses to read because the image is damaged there must
 *    be refused by the other as well; which error it gives is not compared;
 *  - a log that does not fit into VHD_BOOT_WINDOW (VHD_E_LIMIT): more memory is
 *    tried before that counts.
 * Both look for parents by name in the folder of the leaf only.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libvhd.h>

#define DEPTH 64
#define PIECE ((size_t)1 << 20)
/* ranges this short are read whole, longer zeros are taken from the map */
#define PROBE ((uint64_t)4 << 20)

struct layer {
	int fd;
	void *state;
	void *window;
	struct vhd_boot *boot;
};

static struct layer layers[DEPTH];
static char folder[4096];

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const int *fd = ctx;
	char *out = buf;

	while (len) {
		ssize_t n = pread(*fd, out, len, (off_t)offset);

		if (n <= 0)
			return VHD_E_IO;
		out += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int open_layer(struct layer *l, const char *path, int format,
		      size_t window)
{
	struct vhd_source source = {&l->fd, read_at, 0};
	struct stat st;

	l->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (l->fd < 0 || fstat(l->fd, &st) || !S_ISREG(st.st_mode))
		return VHD_E_NOENT;
	source.size = (uint64_t)st.st_size;
	l->state = aligned_alloc(16, (vhd_boot_size() + 15) & ~(size_t)15);
	l->window = aligned_alloc(16, window);
	if (!l->state || !l->window)
		return VHD_E_NOMEM;
	return vhd_boot_open(l->state, &source, format, l->window, window,
			     &l->boot, NULL);
}

static void close_layer(struct layer *l)
{
	if (l->fd > 0)
		close(l->fd);
	free(l->state);
	free(l->window);
	*l = (struct layer){0};
}

/* the first name below the folder that opens and fits */
static int find_parent(struct layer *child, struct layer *parent, int format,
		       size_t window)
{
	char name[1024], path[sizeof(folder) + sizeof(name)];
	int rc = VHD_E_PARENT;

	for (unsigned i = 0; i < 32; i++) {
		int found = vhd_boot_parent_path(child->boot, i, name,
						 sizeof(name));

		if (found)
			break;
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		found = open_layer(parent, path, format, window);
		if (!found)
			found = vhd_boot_set_parent(child->boot, parent->boot,
						    NULL);
		if (!found)
			return 0;
		close_layer(parent);
		rc = found == VHD_E_NOENT ? rc : found;
	}
	return rc;
}

static int open_loader(const char *path, int format, size_t window)
{
	int rc = open_layer(&layers[0], path, format, window);

	for (int i = 0; !rc && vhd_boot_needs_parent(layers[i].boot); i++)
		rc = i + 1 < DEPTH ? find_parent(&layers[i], &layers[i + 1],
						 format, window)
				   : VHD_E_LIMIT;
	return rc;
}

static void close_loader(void)
{
	for (int i = 0; i < DEPTH; i++)
		close_layer(&layers[i]);
}

static int differ(const char *what, uint64_t offset, int loader, int hosted)
{
	printf("%s differs at %" PRIu64 ": loader %d, hosted %d\n", what,
	       offset, loader, hosted);
	return 1;
}

static int compare_piece(struct vhd_disk *disk, uint64_t offset, size_t len)
{
	static uint8_t mine[PIECE], theirs[PIECE];
	int loader = vhd_boot_read(layers[0].boot, offset, mine, len);
	int hosted = vhd_disk_read(disk, offset, theirs, len, NULL);

	if (!loader != !hosted)
		return differ("reading", offset, loader, hosted);
	if (!loader && memcmp(mine, theirs, len) != 0)
		return differ("content", offset, 0, 0);
	return 0;
}

static int compare_range(struct vhd_disk *disk, uint64_t offset,
			 uint64_t length)
{
	int rc = 0;

	for (uint64_t at = 0; at < length && !rc; at += PIECE)
		rc = compare_piece(disk, offset + at,
				   length - at < PIECE ? (size_t)(length - at)
						       : PIECE);
	return rc;
}

/* one extent of both; *run is how far they were compared */
static int compare_extent(struct vhd_disk *disk, uint64_t offset, uint64_t rest,
			  uint64_t *run)
{
	struct vhd_extent mine, theirs;
	int loader = vhd_boot_extent(layers[0].boot, offset, rest, &mine);
	int hosted = vhd_disk_extent(disk, offset, rest, &theirs, NULL);

	*run = rest < 512 ? rest : 512;
	if (!loader != !hosted)
		return differ("mapping", offset, loader, hosted);
	if (loader)
		return 0;
	if (mine.kind != theirs.kind || mine.depth != theirs.depth ||
	    mine.offset != theirs.offset)
		return differ("extent", offset, (int)mine.kind,
			      (int)theirs.kind);
	*run = mine.length < theirs.length ? mine.length : theirs.length;
	if (mine.kind == VHD_EXTENT_ZERO && *run > PROBE)
		return compare_range(disk, offset, PIECE);
	return compare_range(disk, offset, *run);
}

static int compare_disks(struct vhd_disk *disk)
{
	uint64_t size = vhd_boot_disk_size(layers[0].boot), run;
	int rc = 0;

	if (size != vhd_disk_size(disk))
		return differ("size", size, 0, 0);
	if (vhd_boot_sector_size(layers[0].boot) != vhd_disk_sector_size(disk))
		return differ("sector size", 0, 0, 0);
	for (uint64_t at = 0; at < size && !rc; at += run)
		rc = compare_extent(disk, at, size - at, &run);
	return rc;
}

static int compare(const char *path, int format)
{
	struct vhd_disk_options options = {.size = sizeof(options),
					   .format = format};
	struct vhd_disk *disk = NULL;
	int loader = open_loader(path, format, VHD_BOOT_WINDOW), hosted, rc;

	if (loader == VHD_E_LIMIT) {
		close_loader();
		loader = open_loader(path, format, (size_t)64 << 20);
	}
	hosted = vhd_disk_open(path, &options, &disk, NULL);
	if (!loader != !hosted)
		rc = differ("opening", 0, loader, hosted);
	else
		rc = loader ? 0 : compare_disks(disk);
	printf("%s %s: %s\n", rc ? "NOT OK" : "ok", path,
	       loader ? vhd_strerror(loader) : "same disk");
	vhd_disk_close(disk);
	close_loader();
	return rc;
}

static void set_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	int length = slash ? (int)(slash - path) : 1;

	snprintf(folder, sizeof(folder), "%.*s", length, slash ? path : ".");
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: boot_read FILE vhd|vhdx\n");
		return 2;
	}
	set_folder(argv[1]);
	return compare(argv[1], strcmp(argv[2], "vhdx") == 0 ? VHD_FORMAT_VHDX
							     : VHD_FORMAT_VHD);
}
