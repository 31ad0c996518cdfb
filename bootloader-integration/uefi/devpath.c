/* SPDX-License-Identifier: BSD-2-Clause */
#include "devpath.h"

#include "core/bytes.h"
#include "core/guid.h"
#include "core/mem.h"
#include "core/utf16.h"
#include "memory.h"
#include "text.h"

#define TYPE_MEDIA     0x04
#define TYPE_END       0x7f
#define MEDIA_DRIVE    0x01
#define MEDIA_VENDOR   0x03
#define MEDIA_FILE     0x04
#define FILE_MAX       1024u /* bytes of UTF-16 */
#define SIGNATURE_MBR  1
#define SIGNATURE_GUID 2

struct node {
	uint8_t type;
	uint8_t subtype;
	le16 length;
};

/* a partition: 10.3.5.1 */
struct drive_node {
	struct node node;
	le32 number;
	le64 start;
	le64 size;
	struct vhd_guid signature;
	uint8_t table;
	uint8_t signature_type;
};

_Static_assert(sizeof(struct drive_node) == 42, "layout");

/* {6c2f6f0d-0b3e-4a7c-8f57-52d1c3e8a914} */
const struct vhd_guid devpath_vendor = {{0x0d, 0x6f, 0x2f, 0x6c, 0x3e, 0x0b,
					 0x7c, 0x4a, 0x8f, 0x57, 0x52, 0xd1,
					 0xc3, 0xe8, 0xa9, 0x14}};

/* -- walking -----------------------------------------------------------------
 */

static const struct node *node_at(const void *path, size_t at)
{
	return (const void *)((const uint8_t *)path + at);
}

/* 0 at the end, and for a node that is too short to be one */
static size_t node_length(const struct node *node)
{
	size_t n = le16_get(node->length);

	return node->type == TYPE_END || n < sizeof(*node) ? 0 : n;
}

size_t devpath_length(const void *path)
{
	size_t at = 0, n;

	while ((n = node_length(node_at(path, at))))
		at += n;
	return at;
}

bool devpath_is_below(const void *path, const void *start)
{
	size_t n = devpath_length(start);

	return devpath_length(path) >= n && !memcmp(path, start, n);
}

bool devpath_same(const void *a, const void *b)
{
	return devpath_length(a) == devpath_length(b) && devpath_is_below(a, b);
}

/* -- making ------------------------------------------------------------------
 */

static uint8_t *put(uint8_t *to, uint8_t type, uint8_t subtype,
		    const void *data, size_t bytes)
{
	struct node node = {type, subtype,
			    le16_of((uint16_t)(sizeof(node) + bytes))};

	memcpy(to, &node, sizeof(node));
	if (bytes)
		memcpy(to + sizeof(node), data, bytes);
	return to + sizeof(node) + bytes;
}

/* the name as firmware writes it, with its NUL; 0 if it is too long */
static size_t file_units(const char *file, uint8_t *out)
{
	size_t n = vhd_utf16_encode(file, VHD_UTF16_LE, out, FILE_MAX - 2);

	for (size_t i = 0; i < n; i += 2)
		if (out[i] == '/' && !out[i + 1])
			out[i] = '\\';
	memset(out + n, 0, 2);
	return n ? n + 2 : 0;
}

static void *with_file(const void *volume, const char *file, bool vendor)
{
	size_t have = devpath_length(volume);
	uint8_t *name = memory_get(FILE_MAX), *to, *path = NULL;
	size_t n = name ? file_units(file, name) : 0;

	if (n)
		path = memory_get(have + n + 3 * sizeof(struct node) +
				  sizeof(devpath_vendor));
	if (path) {
		memcpy(path, volume, have);
		to = put(path + have, TYPE_MEDIA, MEDIA_FILE, name, n);
		if (vendor)
			to = put(to, TYPE_MEDIA, MEDIA_VENDOR, &devpath_vendor,
				 sizeof(devpath_vendor));
		put(to, TYPE_END, 0xff, NULL, 0);
	}
	memory_put(name);
	return path;
}

void *devpath_file(const void *volume, const char *file)
{
	return with_file(volume, file, false);
}

void *devpath_disk(const void *volume, const char *image)
{
	return with_file(volume, image, true);
}

/* -- reading -----------------------------------------------------------------
 */

static bool last_drive(const void *path, struct drive_node *out)
{
	bool found = false;
	size_t at = 0, n;

	for (; (n = node_length(node_at(path, at))); at += n) {
		const struct node *node = node_at(path, at);

		if (node->type != TYPE_MEDIA || node->subtype != MEDIA_DRIVE ||
		    n < sizeof(*out))
			continue;
		memcpy(out, node, sizeof(*out));
		found = true;
	}
	return found;
}

bool devpath_partuuid(const void *path, char out[DEVPATH_PARTUUID])
{
	struct drive_node drive;
	le32 disk;

	if (!last_drive(path, &drive))
		return false;
	memcpy(out, "PARTUUID=", 10);
	if (drive.signature_type == SIGNATURE_GUID) {
		vhd_guid_text(&drive.signature, out + 9);
		return true;
	}
	if (drive.signature_type != SIGNATURE_MBR)
		return false;
	memcpy(&disk, &drive.signature, sizeof(disk));
	text_hex(le32_get(disk), 8, out + 9);
	out[17] = '-';
	text_hex(le32_get(drive.number), 2, out + 18);
	return true;
}

bool devpath_file_text(const void *path, char *out, size_t size)
{
	size_t at = 0, n;

	out[0] = '\0';
	for (; (n = node_length(node_at(path, at))); at += n) {
		const struct node *node = node_at(path, at);
		size_t have = text_length(out);

		if (node->type != TYPE_MEDIA || node->subtype != MEDIA_FILE)
			continue;
		if (have && !text_add(out, size, "\\"))
			return false;
		have = text_length(out);
		if (!vhd_utf16_strict((const uint8_t *)(node + 1),
				      n - sizeof(*node), VHD_UTF16_LE,
				      out + have, size - have))
			return false;
	}
	return out[0];
}
