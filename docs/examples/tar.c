/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a disk whose images lie in a tar archive, in place: a vhd_file of our
 * own making is the door to each member. Parents come from the same archive.
 *
 *	tar ARCHIVE.tar MEMBER.vhdx >DISK.raw
 *
 * In the same way images are read from whatever holds bytes: an object store, a
 * database, encrypted containers. (For a part of a local file there is
 * vhd_file_open_slice().) Names longer than 100 bytes and sparse members are
 * not known here.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvhd.h>

#define RECORD     512
#define SIZE_LIMIT ((uint64_t)1 << 40) /* more is nonsense */

struct member {
	int archive; /* not ours to close */
	uint64_t start;
	uint64_t size;
};

/* Fills the buffer or fails: the library asks for nothing past the end. */
static int member_read(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct member *member = ctx;
	unsigned char *to = buf;

	if (offset > member->size || len > member->size - offset)
		return VHD_E_IO;
	while (len) {
		ssize_t got = pread(member->archive, to, len,
				    (off_t)(member->start + offset));

		if (got <= 0)
			return VHD_E_IO;
		to += got;
		offset += (size_t)got;
		len -= (size_t)got;
	}
	return 0;
}

static int member_size(void *ctx, uint64_t *size)
{
	*size = ((struct member *)ctx)->size;
	return 0;
}

/* No write_at: the file is read-only. free() takes back the context. */
static const struct vhd_file_ops member_ops = {
	.size = sizeof(member_ops),
	.read_at = member_read,
	.get_size = member_size,
	.close = free,
};

/* From here on the file owns the member. */
static int open_member(struct member *member, struct vhd_file **file)
{
	int error = vhd_file_new(&member_ops, member, file);

	if (error)
		free(member);
	return error;
}

/* The member of this name, as a file. */
static int find(int archive, const char *name, struct vhd_file **file)
{
	char record[RECORD + 1] = {0};
	uint64_t at = 0, size;
	struct member *member;

	while (pread(archive, record, RECORD, (off_t)at) == RECORD &&
	       record[0]) {
		size = strtoull(record + 124, NULL, 8);
		if (size > SIZE_LIMIT)
			return VHD_E_FORMAT;
		at += RECORD;
		if (!strncmp(record, name, 100) &&
		    (record[156] == '0' || record[156] == '\0')) {
			member = malloc(sizeof(*member));
			if (!member)
				return VHD_E_NOMEM;
			*member = (struct member){archive, at, size};
			return open_member(member, file);
		}
		at += (size + RECORD - 1) / RECORD * RECORD;
	}
	return VHD_E_NOENT;
}

/*
 * Asked for each parent in turn. The child says where it may be; we look for
 * that name in the archive. The library then sees whether it is the right one.
 */
static int find_parent(void *ctx, struct vhd_image *child, unsigned depth,
		       struct vhd_file **file, char *name, size_t name_size)
{
	struct vhd_parent_hint hint;
	int error;

	(void)depth;
	for (unsigned i = 0;; i++) {
		const char *base;

		error = vhd_image_parent_hint(child, i, &hint);
		if (error == VHD_E_NOENT)
			continue;
		if (error)
			return VHD_E_PARENT;
		base = strrchr(hint.path, '/');
		base = base ? base + 1 : hint.path;
		if (!*base || find(*(int *)ctx, base, file))
			continue;
		snprintf(name, name_size, "%s", base);
		return 0;
	}
}

int main(int argc, char **argv)
{
	int archive = argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	struct vhd_disk_options options = {.size = sizeof(options),
					   .format = VHD_FORMAT_VHDX,
					   .find_parent = find_parent,
					   .find_parent_ctx = &archive};
	const struct vhd_convert_options raw = {.size = sizeof(raw)};
	struct vhd_diag diag = {0};
	struct vhd_file *file = NULL;
	struct vhd_disk *disk;
	int error;

	error = archive < 0 ? VHD_E_NOENT : find(archive, argv[2], &file);
	if (!error) {
		error = vhd_disk_open_file(file, argv[2], &options, &disk,
					   &diag);
		if (error)
			vhd_file_close(file); /* the disk's own from here on */
	}
	if (!error) {
		fprintf(stderr, "%u layers\n", vhd_disk_layers(disk));
		error = vhd_convert(disk, "-", &raw, NULL, &diag);
		vhd_disk_close(disk);
	}
	if (error)
		fprintf(stderr, "tar: %s\n",
			diag.error ? diag.text : vhd_strerror(error));
	if (archive >= 0)
		close(archive);
	return error ? 1 : 0;
}
