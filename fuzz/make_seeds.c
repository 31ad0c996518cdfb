/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes the seeds of the fuzzers:
 *
 *   make_seeds FOLDER                   a folder for each target below FOLDER
 *   make_seeds --from IMAGE vhd|vhdx FILE   one seed of a real image
 *
 * A real image's payload is left out beyond the first 64 KiB of stored bytes
 * behind its metadata; the fuzzers care for structures.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/vhdx_bat.h"
#include "input.h"
#include "seeds.h"
#include "support/vhd1_image.h"
#include "support/vhdx_image.h"

static const struct vhdx_key keys[] = {
	{"parent_linkage", "{01234567-89ab-cdef-0123-456789abcdef}"},
	{"parent_linkage2", "{00000000-0000-0000-0000-000000000000}"},
	{"relative_path", ".\\base.vhdx"},
	{"absolute_win32_path", "C:\\vm\\base.vhdx"},
};

static void save_bytes(const char *path, const void *bytes, size_t n)
{
	FILE *out = n ? fopen(path, "wb") : NULL;

	if (!out || fwrite(bytes, 1, n, out) != n || fclose(out)) {
		fprintf(stderr, "%s: %s\n", path,
			n ? strerror(errno) : "too large for a seed");
		exit(1);
	}
}

void seeds_save_bytes(const char *folder, const char *target, const char *name,
		      const void *bytes, size_t n)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, target);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name);
	save_bytes(path, bytes, n);
}

size_t seeds_encode(const struct sparse *file, uint8_t flags, uint8_t *bytes)
{
	struct input in = {.flags = flags, .file = sparse_copy(file)};
	size_t n = input_encode(&in, bytes, SEED_MAX);

	sparse_free(in.file);
	return n;
}

void seeds_save(const char *folder, const char *target, const char *name,
		const struct sparse *file, uint8_t flags)
{
	static uint8_t bytes[SEED_MAX];

	seeds_save_bytes(folder, target, name, bytes,
			 seeds_encode(file, flags, bytes));
}

static void save_vhd1(const char *folder, const char *name,
		      const struct vhd1_spec *spec, bool blocks)
{
	struct vhd1_image image = vhd1_image_new(spec);

	if (spec->type == VHD_TYPE_FIXED)
		sparse_fill(image.file, 512, 0x11, 64);
	if (blocks) {
		uint64_t at = vhd1_add_block(&image, 1);

		sparse_fill(image.file, at, 0x22, 64);
		vhd1_add_block(&image, 0);
		vhd1_set_sectors(&image, 0, 3, 9, true);
	}
	seeds_save(folder, "fuzz_open", name, image.file, 0);
	vhd1_image_drop(&image);
}

static void save_all_vhd1(const char *folder)
{
	save_vhd1(folder, "vhd-fixed",
		  &(struct vhd1_spec){.type = VHD_TYPE_FIXED, .size = 65536},
		  false);
	save_vhd1(
		folder, "vhd-dynamic",
		&(struct vhd1_spec){.type = VHD_TYPE_DYNAMIC, .size = 5u << 20},
		true);
	save_vhd1(folder, "vhd-small-blocks",
		  &(struct vhd1_spec){.type = VHD_TYPE_DYNAMIC,
				      .size = 30000 * 512u,
				      .block_size = 4096},
		  true);
	save_vhd1(folder, "vhd-differencing",
		  &(struct vhd1_spec){.type = VHD_TYPE_DIFFERENCING,
				      .size = 5u << 20,
				      .parent_name = ".\\base.vhd"},
		  true);
	save_vhd1(folder, "vhd-xenserver",
		  &(struct vhd1_spec){.type = VHD_TYPE_DYNAMIC,
				      .size = 5u << 20,
				      .creator = "tap",
				      .creator_version = 0x00010003},
		  true);
}

static void save_vhdx(const char *folder, const char *name,
		      const struct vhdx_spec *spec, bool log)
{
	struct vhdx_image image = vhdx_image_new(spec);
	bool diff = spec->key_count != 0;
	uint64_t at = vhdx_add_block(
		&image, 1, diff ? VHDX_PARTIALLY_PRESENT : VHDX_FULLY_PRESENT);
	uint8_t page[4096];
	struct vhdx_change change = {image.bat, page, 0};

	sparse_fill(image.file, at, 0x33, 64);
	if (diff) {
		vhdx_add_bitmap(&image, 0);
		vhdx_set_sectors(&image, 1, 2, 5);
	}
	vhdx_put_entry(&image, 2, VHDX_ZERO);
	if (log) {
		sparse_get(image.file, image.bat, page, sizeof(page));
		vhdx_put_header(&image, 2, 1, vhdx_guid_log);
		vhdx_put_log(&image, 0x3000,
			     &(struct vhdx_entry_spec){.sequence = 4,
						       .tail = 0x3000,
						       .flushed = at,
						       .last = image.next,
						       .changes = &change,
						       .count = 1});
		sparse_fill(image.file, image.bat, 0, 32);
	}
	seeds_save(folder, "fuzz_open", name, image.file, INPUT_VHDX);
	vhdx_image_drop(&image);
}

static void save_all_vhdx(const char *folder)
{
	save_vhdx(folder, "vhdx-dynamic",
		  &(struct vhdx_spec){.size = 16u << 20}, false);
	save_vhdx(folder, "vhdx-4096",
		  &(struct vhdx_spec){.size = (64u << 20) + 4096,
				      .block_size = 2u << 20,
				      .logical_sector = 4096,
				      .physical_sector = 4096},
		  false);
	save_vhdx(folder, "vhdx-large",
		  &(struct vhdx_spec){.size = (uint64_t)64 << 40,
				      .block_size = 32u << 20},
		  false);
	save_vhdx(folder, "vhdx-differencing",
		  &(struct vhdx_spec){
			  .size = 16u << 20, .keys = keys, .key_count = 4},
		  false);
	save_vhdx(folder, "vhdx-log", &(struct vhdx_spec){.size = 16u << 20},
		  true);
}

/* `length` bytes of an image at `offset`, as a part alone */
static void save_part(const char *folder, const char *target, const char *name,
		      const struct sparse *file, uint64_t offset,
		      uint32_t length, uint8_t flags)
{
	struct sparse *part = sparse_new(length);
	uint8_t page[4096];

	for (uint32_t at = 0; at < length; at += 4096) {
		sparse_get(file, offset + at, page, sizeof(page));
		sparse_put(part, at, page, sizeof(page));
	}
	seeds_save(folder, target, name, part, flags);
	sparse_free(part);
}

static void save_log(const char *folder, const char *name, uint32_t at,
		     unsigned entries)
{
	struct vhdx_image image =
		vhdx_image_new(&(struct vhdx_spec){.size = 16u << 20});
	static const uint8_t page[4096] = {6, 0, 0x40, 0, 0, 0, 0, 0, 2};
	struct vhdx_change changes[] = {{image.bat, page, 0},
					{image.bat + 4096, NULL, 8192},
					{(uint64_t)4 << 20, NULL, 4096}};
	uint32_t tail = at;

	for (unsigned i = 0; i < entries; i++) {
		struct vhdx_entry_spec entry = {.sequence = 5 + i,
						.tail = tail,
						.flushed = 4u << 20,
						.last = 8u << 20,
						.changes = changes,
						.count = i % 4};

		at = (at + vhdx_put_log(&image, at, &entry)) % (1u << 20);
	}
	save_part(folder, "fuzz_log", name, image.file, image.log,
		  image.spec.log_length, INPUT_VHDX);
	vhdx_image_drop(&image);
}

static void save_all_logs(const char *folder)
{
	save_log(folder, "empty-entry", 0, 1);
	save_log(folder, "three-entries", 0x4000, 3);
	save_log(folder, "wrapped", 0xFC000, 4);
	save_log(folder, "eight-entries", 0xE0000, 8);
}

/* tables as fuzz_map.c makes them, and bitmaps behind them */
static void save_maps(const char *folder, const struct vhdx_image *vhdx)
{
	struct sparse *map = sparse_new(8192);
	uint8_t table[4096];

	for (uint32_t i = 0; i < 32; i += 4)
		sparse_put_be32(map, 4 * i, 16 + (i / 4) * 1040);
	sparse_fill(map, 1, 0xFF, 3);
	sparse_fill(map, 4096, 0x5A, 700);
	seeds_save(folder, "fuzz_map", "vhd", map, 0);
	sparse_get(vhdx->file, vhdx->bat, table, sizeof(table));
	sparse_put(map, 0, table, sizeof(table));
	seeds_save(folder, "fuzz_map", "vhdx", map, INPUT_VHDX);
	sparse_free(map);
}

static void save_parts(const char *folder)
{
	struct vhdx_image image = vhdx_image_new(&(struct vhdx_spec){
		.size = 16u << 20, .keys = keys, .key_count = 4});

	vhdx_add_bitmap(&image, 0);
	vhdx_add_block(&image, 0, VHDX_PARTIALLY_PRESENT);
	vhdx_add_block(&image, 4, VHDX_FULLY_PRESENT);
	vhdx_put_entry(&image, 2, VHDX_ZERO);
	save_part(folder, "fuzz_metadata", "differencing", image.file,
		  image.metadata, 1u << 20, INPUT_VHDX);
	save_maps(folder, &image);
	vhdx_image_drop(&image);
	image = vhdx_image_new(&(struct vhdx_spec){.size = 16u << 20});
	save_part(folder, "fuzz_metadata", "dynamic", image.file,
		  image.metadata, 1u << 20, INPUT_VHDX);
	vhdx_image_drop(&image);
}

/* stored ranges of a file, up to what a seed may hold */
static struct sparse *load(const char *path)
{
	static uint8_t buf[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct sparse *s = NULL;
	size_t left = SEED_MAX - 8192;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	s = sparse_new((uint64_t)st.st_size);
	for (off_t at = 0; (at = lseek(fd, at, SEEK_DATA)) >= 0;) {
		ssize_t n = pread(fd, buf, sizeof(buf), at);
		bool last = at + 8192 >= st.st_size;

		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] && (left > 512 || last)) {
				size_t len =
					(size_t)(n - i < 512 ? n - i : 512);

				i -= i % 512;
				len = (size_t)(n - i < 512 ? n - i : 512);
				sparse_put(s, (uint64_t)(at + i), buf + i, len);
				left -= last ? 0 : len + 8;
				i += 511;
			}
		at += n;
	}
	close(fd);
	return s;
}

static int from_image(const char *image, const char *format, const char *out)
{
	static uint8_t bytes[SEED_MAX];
	struct sparse *s = load(image);
	uint8_t flags = strcmp(format, "vhdx") == 0 ? INPUT_VHDX : 0;

	if (!s) {
		perror(image);
		return 1;
	}
	save_bytes(out, bytes, seeds_encode(s, flags, bytes));
	sparse_free(s);
	return 0;
}

/* this program only writes inputs; the fuzzer's hook is never called */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room)
{
	(void)data;
	(void)room;
	return size;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "--from") == 0)
		return from_image(argv[2], argv[3], argv[4]);
	if (argc != 2) {
		fprintf(stderr, "usage: make_seeds FOLDER\n"
				"       make_seeds --from IMAGE vhd|vhdx "
				"FILE\n");
		return 2;
	}
	save_all_vhd1(argv[1]);
	save_all_vhdx(argv[1]);
	save_all_logs(argv[1]);
	save_parts(argv[1]);
	seeds_damage(argv[1]);
	seeds_chain(argv[1]);
	return 0;
}
