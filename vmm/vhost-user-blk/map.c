/* SPDX-License-Identifier: BSD-2-Clause */
#include "map.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include "guard.h"

#define PAGE_MAX ((uint64_t)1 << 34)

/* huge pages show as the file's block size */
static uint64_t page_size(const struct stat *st)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t block = (uint64_t)st->st_blksize;

	if (block > page && block <= PAGE_MAX && !(block & (block - 1)))
		page = block;
	return page;
}

static bool has(const struct stat *st, uint64_t offset, uint64_t size)
{
	uint64_t end = offset + size;

	return S_ISREG(st->st_mode) && size && end > offset &&
	       st->st_size >= 0 && end <= (uint64_t)st->st_size;
}

const char *vub_map_open(struct vub_map *out, int fd, uint64_t offset,
			 uint64_t size)
{
	uint64_t page, begin, end;
	struct stat st;
	void *base;
	int guard;

	if (fstat(fd, &st))
		return "not a file";
	if (!has(&st, offset, size))
		return "the file is shorter than the range";
	page = page_size(&st);
	begin = offset & ~(page - 1);
	end = (offset + size + page - 1) & ~(page - 1);
	base = mmap(NULL, end - begin, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_NORESERVE, fd, (off_t)begin);
	if (base == MAP_FAILED)
		return "the file cannot be mapped";
	guard = vub_guard_add(base, end - begin, page);
	if (guard < 0) {
		munmap(base, end - begin);
		return "too many mappings";
	}
	madvise(base, end - begin, MADV_DONTDUMP);
	*out = (struct vub_map){
		.start = (uint8_t *)base + (offset - begin),
		.size = size,
		.base = base,
		.length = end - begin,
		.guard = guard,
	};
	return NULL;
}

void vub_map_close(struct vub_map *map)
{
	if (!map->start)
		return;
	vub_guard_drop(map->guard);
	munmap(map->base, map->length);
	memset(map, 0, sizeof(*map));
}
