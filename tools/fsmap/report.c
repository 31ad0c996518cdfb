/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void report_begin(void)
{
	/* with a buffer given, stdio asks nothing of the descriptor */
	static char buf[64 << 10];

	setvbuf(stdout, buf, _IOFBF, sizeof(buf));
}

static bool is_plain(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || (c && strchr("._+/:-", c));
}

/* A blank and a name; names that are too long are cut. */
static void put_name(const char *name)
{
	size_t len = strnlen(name, FSMAP_NAME_MAX);
	bool is_hyphen = strcmp(name, "-") == 0;

	fputs(len ? " " : " -", stdout);
	for (size_t i = 0; i < len; i++) {
		if (is_plain(name[i]) && !is_hyphen)
			putchar(name[i]);
		else
			printf("%%%02X", (unsigned char)name[i]);
	}
}

void report_disk(struct vhd_disk *disk, const char *table)
{
	struct vhd_file_id id = {0};

	(void)vhd_file_id(vhd_image_file(vhd_disk_image(disk, 0)), &id);
	printf("vhd-fsmap " FSMAP_PROTOCOL_VERSION "\n");
	printf("file %" PRIu64 " %" PRIu64 "\n", id.device, id.inode);
	printf("disk %" PRIu64 " %" PRIu32, vhd_disk_size(disk),
	       vhd_disk_sector_size(disk));
	put_name(table);
	putchar('\n');
}

/* The whole sectors of a range, if they are enough. */
static void put_range(const char *word, uint64_t start, uint64_t end,
		      uint64_t sector_size, uint64_t at_least)
{
	start += (sector_size - start % sector_size) % sector_size;
	end -= end % sector_size;
	if (end > start && end - start >= at_least)
		printf("%s %" PRIu64 " %" PRIu64 "\n", word, start,
		       end - start);
}

void report_volume(const struct volume *volume, uint64_t at_least)
{
	const struct area *area = &volume->area;
	uint64_t sector_size = vhd_disk_sector_size(area->disk);

	printf("fs %u %" PRIu64 " %" PRIu64 " %" PRIu64, volume->number,
	       area->start, area->length, volume->size);
	put_name(volume->type);
	printf(" %s", fsmap_state_word(volume->state));
	put_name(volume->label);
	put_name(volume->name);
	putchar('\n');
	if (volume->uuid[0]) {
		printf("uuid");
		put_name(volume->uuid);
		putchar('\n');
	}
	for (size_t i = 0; i < volume->unused.count; i++) {
		const struct run *run = &volume->unused.items[i];
		uint64_t start = area->start + run->start;

		put_range("unused", start, start + run->length, sector_size,
			  at_least);
	}
}

void report_gaps(const struct runs *gaps, uint64_t sector_size,
		 uint64_t at_least)
{
	for (size_t i = 0; i < gaps->count; i++) {
		const struct run *run = &gaps->items[i];

		put_range("gap", run->start, run->start + run->length,
			  sector_size, at_least);
	}
}

int report_end(void)
{
	puts("end");
	return fflush(stdout) || ferror(stdout) ? -1 : 0;
}

void report_error(const char *text)
{
	fputs("error", stdout);
	put_name(text);
	putchar('\n');
	(void)fflush(stdout);
}
