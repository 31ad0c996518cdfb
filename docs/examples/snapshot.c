/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a snapshot of a disk, and writes to it.
 *
 *	snapshot PARENT.vhdx CHILD.vhdx OFFSET TEXT
 *
 * CHILD is a new differencing image; TEXT goes to the sector at OFFSET, and the
 * rest of the disk is still what PARENT shows. PARENT is not changed, and must
 * not be from now on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvhd.h>

#define SECTOR_MAX 4096

/* Only the path from the child's folder is stored, so both may be moved. */
static int make_child(const char *parent_path, const char *child_path,
		      struct vhd_diag *diag)
{
	const struct vhd_disk_options open = {.size = sizeof(open),
					      .format = VHD_FORMAT_VHDX};
	struct vhd_create_options create = {.size = sizeof(create),
					    .format = VHD_FORMAT_VHDX};
	char *name = NULL;
	int error;

	error = vhd_disk_open(parent_path, &open, &create.parent, diag);
	if (error)
		return error;
	error = vhd_relative_path(child_path, parent_path, &name);
	if (error)
		goto close;
	create.parent_name = name;
	error = vhd_create(child_path, &create, diag); /* all or nothing */
	free(name);
close:
	vhd_disk_close(create.parent);
	return error;
}

/* Writes are whole sectors: what stands around the text is read first. */
static int write_text(struct vhd_disk *disk, uint64_t offset, const char *text,
		      struct vhd_diag *diag)
{
	unsigned char sector[SECTOR_MAX];
	size_t size = vhd_disk_sector_size(disk), length = strlen(text);
	int error;

	if (length > size)
		return VHD_E_INVALID;
	error = vhd_disk_read(disk, offset, sector, size, diag);
	if (error)
		return error;
	memcpy(sector, text, length);
	error = vhd_disk_write(disk, offset, sector, size, diag);
	if (error)
		return error;
	/* until here a power cut may take it back; from here on not */
	return vhd_disk_flush(disk, diag);
}

static int write_child(const char *path, uint64_t offset, const char *text,
		       struct vhd_diag *diag)
{
	const struct vhd_disk_options options = {.size = sizeof(options),
						 .format = VHD_FORMAT_VHDX,
						 .flags = VHD_DISK_WRITE};
	struct vhd_disk *disk;
	int error;

	/* takes the lock: nobody else has the image open for writing */
	error = vhd_disk_open(path, &options, &disk, diag);
	if (error)
		return error;
	error = write_text(disk, offset, text, diag);
	/* a clean end; to close without it is a crash, which is safe too */
	if (!error)
		error = vhd_disk_shut(disk, diag);
	vhd_disk_close(disk);
	return error;
}

int main(int argc, char **argv)
{
	struct vhd_diag diag = {0};
	int error;

	if (argc != 5) {
		fprintf(stderr, "usage: snapshot PARENT CHILD OFFSET TEXT\n");
		return 2;
	}
	error = make_child(argv[1], argv[2], &diag);
	if (!error)
		error = write_child(argv[2], strtoull(argv[3], NULL, 0),
				    argv[4], &diag);
	if (error)
		/* not every failure has a sentence; every one has a number */
		fprintf(stderr, "snapshot: %s\n",
			diag.error ? diag.text : vhd_strerror(error));
	return error ? 1 : 0;
}
