/* SPDX-License-Identifier: BSD-2-Clause */
#include "window.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * The deepest signatures from the start that libblkid knows are at 2 MiB
 * (VMFS), the farthest from the end at 512 KiB (ZFS).
 */
#define HEAD ((uint64_t)4 << 20)
#define TAIL ((uint64_t)2 << 20)

static int fd = -1;

int window_open(void)
{
	fd = memfd_create("vhd-fsmap window", MFD_CLOEXEC);
	return fd < 0 ? -1 : 0;
}

int window_fd(void)
{
	return fd;
}

static int copy(const struct area *area, uint64_t offset, size_t len)
{
	static unsigned char buf[64 << 10];
	size_t done = 0;

	if (area_read(area, offset, buf, len))
		return -1;
	while (done < len) {
		ssize_t n = TEMP_FAILURE_RETRY(pwrite(
			fd, buf + done, len - done, (off_t)(offset + done)));

		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

int window_add(const struct area *area, uint64_t offset, uint64_t length)
{
	const uint64_t piece = 64 << 10;

	if (offset >= area->length)
		return 0;
	if (length > area->length - offset)
		length = area->length - offset;
	while (length > 0) {
		uint64_t len = length < piece ? length : piece;

		if (copy(area, offset, (size_t)len))
			return -1;
		offset += len;
		length -= len;
	}
	return 0;
}

int window_load(const struct area *area)
{
	if (TEMP_FAILURE_RETRY(ftruncate(fd, 0)) ||
	    TEMP_FAILURE_RETRY(ftruncate(fd, (off_t)area->length)) ||
	    window_add(area, 0, HEAD))
		return -1;
	if (area->length <= HEAD)
		return 0;
	if (area->length <= HEAD + TAIL)
		return window_add(area, HEAD, TAIL);
	return window_add(area, area->length - TAIL, TAIL);
}
