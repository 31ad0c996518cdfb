/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chain of 64 takes at most 64 KiB of memory for each image, as long as only
 * a few pages of its tables were looked at. Counted is what is resident: a
 * table that is allocated but not touched costs nothing.
 *
 * A process measures one chain and does nothing else: memory that was used
 * before would be resident in any case.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libvhd.h>

#include "core/checked.h"

#define LAYERS 64u
#define LIMIT  (64 * VHD_KIB)

static void name_of(unsigned layer, int format, char name[32])
{
	snprintf(name, 32, "%u.%s", layer,
		 format == VHD_FORMAT_VHD ? "vhd" : "vhdx");
}

static struct vhd_disk *open_layer(unsigned layer, int format)
{
	struct vhd_disk_options options = {.size = sizeof(options),
					   .format = format};
	struct vhd_disk *disk;
	char name[32];

	name_of(layer, format, name);
	return vhd_disk_open(name, &options, &disk, NULL) ? NULL : disk;
}

static int make_layer(unsigned layer, int format)
{
	struct vhd_create_options options = {.size = sizeof(options),
					     .format = format};
	char name[32], parent[32];
	int rc;

	name_of(layer, format, name);
	if (layer) {
		options.parent = open_layer(layer - 1, format);
		if (!options.parent)
			return 1;
		name_of(layer - 1, format, parent);
		options.parent_name = parent;
	} else {
		options.virtual_size = VHD_GIB;
	}
	rc = vhd_create(name, &options, NULL);
	vhd_disk_close(options.parent);
	return rc;
}

/* bytes of memory this process really has */
static uint64_t resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long size, pages = 0;

	if (file && fscanf(file, "%lu %lu", &size, &pages) != 2)
		pages = 0;
	if (file)
		fclose(file);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int read_some(struct vhd_disk *disk)
{
	static uint8_t buf[4096];

	return vhd_disk_read(disk, VHD_GIB / 2, buf, sizeof(buf), NULL);
}

static int measure(int format)
{
	uint64_t before = resident(), after;
	struct vhd_disk *disk = open_layer(LAYERS - 1, format);
	int failed = !disk || read_some(disk);

	after = resident();
	vhd_disk_close(disk);
	printf("%s: %llu bytes a layer, of %llu\n",
	       format == VHD_FORMAT_VHD ? "vhd" : "vhdx",
	       (unsigned long long)(after - before) / LAYERS,
	       (unsigned long long)LIMIT);
	return failed || !before || after > before + LAYERS * LIMIT;
}

static int make_chain(int format)
{
	int failed = 0;

	for (unsigned i = 0; i < LAYERS && !failed; i++)
		failed = make_layer(i, format);
	return failed;
}

/* in a process of its own */
static int apart(int (*work)(int format), int format)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		status = work(format);
		fflush(stdout);
		_exit(status != 0);
	}
	return pid < 0 || waitpid(pid, &status, 0) != pid || status;
}

static int run(int format)
{
	char name[32];
	int failed = apart(make_chain, format) || apart(measure, format);

	for (unsigned i = 0; i < LAYERS; i++) {
		name_of(i, format, name);
		unlink(name);
	}
	return failed;
}

int main(void)
{
	char folder[] = "open-chain-XXXXXX";
	int failed;

	if (!mkdtemp(folder) || chdir(folder)) {
		perror(folder);
		return 1;
	}
	failed = run(VHD_FORMAT_VHD);
	failed |= run(VHD_FORMAT_VHDX);
	if (chdir("..") || rmdir(folder))
		perror(folder);
	return failed;
}
