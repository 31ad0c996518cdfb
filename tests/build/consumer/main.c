/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program of somebody else: `consumer FOLDER` makes an image there, writes to
 * it, and prints what it then holds.
 */
#include <stdio.h>
#include <string.h>

#include <libvhd.h>

#define SIZE ((uint64_t)16 << 20)

static int failed(const char *what, int error, const struct vhd_diag *diag)
{
	fprintf(stderr, "%s: %s: %s\n", what, vhd_strerror(error), diag->text);
	return 1;
}

static int create(const char *path)
{
	struct vhd_create_options options = {
		.size = sizeof(options),
		.format = VHD_FORMAT_VHDX,
		.virtual_size = SIZE,
	};
	struct vhd_diag diag = {0};
	int rc = vhd_create(path, &options, &diag);

	return rc ? failed("create", rc, &diag) : 0;
}

static int fill(struct vhd_disk *disk, struct vhd_diag *diag)
{
	char sector[512];
	int rc;

	memset(sector, 'x', sizeof(sector));
	rc = vhd_disk_write(disk, SIZE / 2, sector, sizeof(sector), diag);
	return rc ? rc : vhd_disk_flush(disk, diag);
}

static int show(struct vhd_disk *disk, struct vhd_diag *diag)
{
	struct vhd_digest digest = {.algorithm = "sha256"};
	struct vhd_extent extent;
	char text[5] = "";
	int rc = vhd_disk_read(disk, SIZE / 2, text, 4, diag);

	if (!rc)
		rc = vhd_disk_extent(disk, 0, SIZE, &extent, diag);
	if (!rc)
		rc = vhd_hash(disk, &digest, 1, NULL, diag);
	if (rc == VHD_E_UNSUPPORTED) /* a build without OpenSSL */
		rc = 0;
	if (!rc)
		printf("%s %u %s\n", text, (unsigned)extent.kind, digest.hex);
	return rc;
}

static int use(const char *path)
{
	struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = VHD_FORMAT_VHDX,
		.flags = VHD_DISK_WRITE,
	};
	struct vhd_diag diag = {0};
	struct vhd_disk *disk;
	int rc = vhd_disk_open(path, &options, &disk, &diag);

	if (rc)
		return failed("open", rc, &diag);
	rc = fill(disk, &diag);
	if (!rc)
		rc = show(disk, &diag);
	if (!rc)
		rc = vhd_disk_shut(disk, &diag);
	vhd_disk_close(disk);
	return rc ? failed("use", rc, &diag) : 0;
}

int main(int argc, char **argv)
{
	char path[4096];
	int rc;

	if (argc != 2 || strcmp(vhd_version(), VHD_VERSION_STRING) != 0)
		return 2;
	snprintf(path, sizeof(path), "%s/consumer.vhdx", argv[1]);
	rc = create(path);
	if (!rc)
		rc = use(path);
	remove(path);
	return rc;
}
