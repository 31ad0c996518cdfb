/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the test images hold as their loader, \EFI\BOOT\BOOTX64.EFI. It says
 *
 *   HELLO tpl=N            the task priority it was started at: 4
 *   HELLO options=TEXT     its load options
 *   HELLO variable=TEXT    VhdBootImage
 *   HELLO disk=SIZE SUM B  the disk below its file system, through block I/O:
 *                          bytes, and a sum the test can make itself
 *   HELLO write=refused    if the disk cannot be written
 *   HELLO done
 *
 * and returns. The sum is the CRC-32 of the CRC-32s of all MiB.
 */
#include "core/mem.h"
#include "devpath.h"
#include "efi.h"
#include "firmware.h"
#include "memory.h"
#include "text.h"

#define PIECE    ((size_t)1 << 20)
#define SUMS     4096u
#define TEXT_MAX 1024u

efi_status efi_main(efi_handle image, struct efi_system_table *system);

/* a serial console need not know more than ASCII: the rest as %xx */
static void put(const char *text)
{
	for (; *text; text++) {
		efi_char one[4] = {(uint8_t)*text};
		char hex[3];

		if (one[0] >= 0x80) {
			text_hex(one[0], 2, hex);
			one[0] = '%';
			one[1] = (uint8_t)hex[0];
			one[2] = (uint8_t)hex[1];
		}
		firmware->out->output(firmware->out, one);
	}
}

static void put_number(const char *before, uint64_t value, const char *after)
{
	char number[TEXT_NUMBER];

	text_number(value, number);
	put(before);
	put(number);
	put(after);
}

static void say_tpl(void)
{
	size_t tpl = firmware->boot->raise_tpl(31);

	firmware->boot->restore_tpl(tpl);
	put_number("HELLO tpl=", tpl, "\r\n");
}

static void say_options(void)
{
	const efi_char *text = firmware_self->options;

	put("HELLO options=");
	if (firmware_self->options_size)
		firmware->out->output(firmware->out, text);
	put("\r\n");
}

static void say_variable(void)
{
	static const struct vhd_guid vendor = {
		{0x1e, 0x5b, 0x9a, 0x6d, 0x0c, 0x3f, 0x57, 0x4c, 0x9a, 0x86,
		 0x0b, 0x7d, 0x3f, 0x5e, 0x2c, 0x41}};
	static char text[TEXT_MAX];
	size_t size = sizeof(text) - 1;
	uint32_t attributes = 0;

	put("HELLO variable=");
	if (firmware->runtime->get_variable(u"VhdBootImage", &vendor,
					    &attributes, &size,
					    text) == EFI_SUCCESS) {
		put(text);
		put_number(" ", attributes, "");
	}
	put("\r\n");
}

/* The disk a path leads through: our vendor node is its last one. */
static struct efi_block_io *find_disk(const uint8_t *path)
{
	size_t at = 0, n = devpath_length(path), length;
	efi_handle handle = NULL;
	const void *rest;
	uint8_t *copy;

	for (; at < n; at += length) {
		length = path[at + 2] | (size_t)path[at + 3] << 8;
		if (path[at] != 4 || path[at + 1] != 3 ||
		    memcmp(path + at + 4, &devpath_vendor,
			   sizeof(devpath_vendor)))
			continue;
		at += length;
		copy = memory_get(at + 4);
		memcpy(copy, path, at);
		memcpy(copy + at, "\x7f\xff\x04", 4);
		rest = copy;
		firmware->boot->locate_device_path(&efi_block_io_guid, &rest,
						   &handle);
		memory_put(copy);
		return firmware_protocol(handle, &efi_block_io_guid);
	}
	return NULL;
}

static size_t piece_at(uint64_t at, uint64_t size)
{
	return size - at < PIECE ? (size_t)(size - at) : PIECE;
}

static void sum_disk(struct efi_block_io *io)
{
	uint64_t size = (io->media->last_block + 1) * io->media->block_size;
	uint8_t *buf = memory_get(PIECE);
	uint32_t *sums = memory_get(SUMS * sizeof(*sums)), sum = 0;
	size_t count = 0;

	for (uint64_t at = 0; at < size && count < SUMS; at += PIECE) {
		size_t n = piece_at(at, size);

		if (io->read(io, io->media->id, at / io->media->block_size, n,
			     buf) != EFI_SUCCESS) {
			put_number("HELLO read failed at ", at, "\r\n");
			return;
		}
		firmware->boot->crc32(buf, n, &sums[count++]);
	}
	firmware->boot->crc32(sums, count * sizeof(*sums), &sum);
	put_number("HELLO disk=", size, " ");
	put_number("", sum, " ");
	put_number("", io->media->block_size, "\r\n");
	if (io->write(io, io->media->id, 0, io->media->block_size, buf) ==
	    EFI_WRITE_PROTECTED)
		put("HELLO write=refused\r\n");
	memory_put(buf);
	memory_put(sums);
}

efi_status efi_main(efi_handle image, struct efi_system_table *system)
{
	struct efi_block_io *io;
	const uint8_t *path;

	if (firmware_start(image, system) != EFI_SUCCESS)
		return EFI_UNSUPPORTED;
	put("\r\n");
	say_tpl();
	say_options();
	say_variable();
	path = firmware_protocol(firmware_self->device, &efi_device_path_guid);
	io = path ? find_disk(path) : NULL;
	if (io)
		sum_disk(io);
	else
		put("HELLO no disk of ours\r\n");
	put("HELLO done\r\n");
	return EFI_SUCCESS;
}
