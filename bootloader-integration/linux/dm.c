/* SPDX-License-Identifier: BSD-2-Clause */
#include "dm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "memory.h"
#include "module.h"
#include "smallfile.h"

#define SECTOR 512

/* -- tables ------------------------------------------------------------------
 */

void dm_table_add(struct dm_table *table, uint64_t start, uint64_t length,
		  const char *kind, const char *parameters)
{
	const size_t text = strlen(parameters) + 1;
	const size_t size = (sizeof(struct dm_target_spec) + text + 7) & ~7ul;
	struct dm_target_spec spec = {
		.sector_start = start / SECTOR,
		.length = length / SECTOR,
		.next = (uint32_t)size,
	};

	snprintf(spec.target_type, sizeof(spec.target_type), "%s", kind);
	table->bytes = tool_resize(table->bytes, table->length + size);
	memset(table->bytes + table->length, 0, size);
	memcpy(table->bytes + table->length, &spec, sizeof(spec));
	memcpy(table->bytes + table->length + sizeof(spec), parameters, text);
	table->length += size;
	table->count++;
}

void dm_table_free(struct dm_table *table)
{
	free(table->bytes);
	*table = (struct dm_table){0};
}

/* -- commands ----------------------------------------------------------------
 */

static int open_control(void)
{
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		module_load("dm-mod");
		fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	}
	return fd;
}

static struct dm_ioctl head_of(const char *name, uint64_t device)
{
	struct dm_ioctl head = {
		.version = {4, 0, 0},
		.data_size = sizeof(struct dm_ioctl),
		.data_start = sizeof(struct dm_ioctl),
		.dev = device,
	};

	snprintf(head.name, sizeof(head.name), "%s", name);
	return head;
}

static int load(int control, const char *name, const struct dm_table *table)
{
	struct dm_ioctl head = head_of(name, 0);
	unsigned char *bytes = tool_zalloc(sizeof(head) + table->length);
	int rc;

	head.data_size = (uint32_t)(sizeof(head) + table->length);
	head.target_count = table->count;
	head.flags = DM_READONLY_FLAG;
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), table->bytes, table->length);
	rc = ioctl(control, DM_TABLE_LOAD, bytes);
	free(bytes);
	return rc;
}

static int remove_named(int control, const char *name)
{
	struct dm_ioctl head = head_of(name, 0);

	return ioctl(control, DM_DEV_REMOVE, &head);
}

/* Loads a table and lets the device run: suspend without its flag resumes. */
static int start(int control, const char *name, const struct dm_table *table)
{
	struct dm_ioctl head = head_of(name, 0);
	int err;

	if (load(control, name, table) == 0 &&
	    ioctl(control, DM_DEV_SUSPEND, &head) == 0)
		return 0;
	err = errno;
	remove_named(control, name);
	errno = err;
	return -1;
}

int dm_create(const char *name, const struct dm_table *table, unsigned *number)
{
	struct dm_ioctl head = head_of(name, 0);
	int control = open_control();
	int rc;

	if (control < 0)
		return -1;
	rc = ioctl(control, DM_DEV_CREATE, &head);
	if (rc == 0) {
		*number = minor(head.dev);
		rc = start(control, name, table);
	}
	close(control);
	return rc;
}

int dm_remove(unsigned number)
{
	int control = open_control();
	char path[64], name[DM_NAME_LEN];
	int rc = -1;

	if (control < 0)
		return -1;
	snprintf(path, sizeof(path), "/sys/block/dm-%u/dm/name", number);
	if (smallfile_line(path, name, sizeof(name)) == 0)
		rc = remove_named(control, name);
	close(control);
	return rc;
}

void dm_remove_all(void)
{
	struct dm_ioctl head = head_of("", 0);
	int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return;
	ioctl(control, DM_REMOVE_ALL, &head);
	close(control);
}
