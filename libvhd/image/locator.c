/* SPDX-License-Identifier: BSD-2-Clause */
#include "locator.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/guid.h"
#include "core/utf16.h"
#include "core/vhd1_locator.h"

#include <libvhd/error.h>

/* -- VHD ---------------------------------------------------------------------
 */

/* ".\dir\name" for Windows, "file://./dir/name" for XenServer; 0 if it does not
 * fit */
static size_t slot_text(uint32_t code, const char *name, uint8_t *out,
			size_t room)
{
	char text[VHD1_NAME_ROOM];
	bool url = code == VHD1_LOCATOR_MACX;
	const char *prefix = url ? "file://./" : ".\\";
	int made = snprintf(text, sizeof(text), "%s%s", prefix, name);
	size_t n = (size_t)made;

	if (made < 0 || n >= sizeof(text))
		return 0;
	for (char *p = text; *p && !url; p++)
		if (*p == '/')
			*p = '\\';
	if (!url)
		return vhd_utf16_encode(text, VHD_UTF16_LE, out, room);
	if (n > room)
		return 0;
	memcpy(out, text, n);
	return n;
}

static int fill_slots(struct vhd1_header *header, const char *name, uint64_t at,
		      uint32_t room, uint8_t *data)
{
	static const uint32_t codes[VHD1_NAME_SLOTS] = {
		VHD1_LOCATOR_MACX,
		VHD1_LOCATOR_W2KU,
		VHD1_LOCATOR_W2RU,
	};

	memset(header->locators, 0, sizeof(header->locators));
	memset(data, 0, (size_t)room * VHD1_NAME_SLOTS);
	for (uint32_t i = 0; i < VHD1_NAME_SLOTS; i++) {
		size_t n = slot_text(codes[i], name, data + i * room, room);

		if (!n)
			return VHD_E_LIMIT;
		header->locators[i] = (struct vhd1_locator){
			codes[i], room, (uint32_t)n, at + i * room};
	}
	return 0;
}

int vhd1_name_parent(struct vhd1_header *header, const char *name, uint64_t at,
		     uint32_t room, uint8_t *data)
{
	const char *slash = strrchr(name, '/');

	memset(header->parent_name, 0, sizeof(header->parent_name));
	if (!vhd_utf16_encode(slash ? slash + 1 : name, VHD_UTF16_BE,
			      header->parent_name,
			      sizeof(header->parent_name) - 2))
		return VHD_E_INVALID;
	return fill_slots(header, name, at, room, data);
}

/* -- VHDX --------------------------------------------------------------------
 */

#define PATH_ROOM 4096u
#define GUID_ROOM (VHD_GUID_TEXT + 2)

/* The entries of a locator that is being made. */
struct making {
	struct vhdx_locator_pair pairs[VHDX_LOCATOR_COUNT_MAX];
	uint32_t count;
	char linkage[2][GUID_ROOM];
	char path[PATH_ROOM];
	/* what is kept of the old one: keys and values, one behind the other */
	char kept[2 * VHDX_LOCATOR_MAX];
	size_t kept_bytes;
};

static void add(struct making *m, const char *key, const char *value)
{
	m->pairs[m->count++] = (struct vhdx_locator_pair){key, value};
}

/* in braces, lower-case, as Windows does */
static void add_linkage(struct making *m, int which, const char *key,
			const struct vhd_guid *id)
{
	char *text = m->linkage[which];

	text[0] = '{';
	vhd_guid_text(id, text + 1);
	memcpy(text + VHD_GUID_TEXT, "}", 2);
	add(m, key, text);
}

/* ".\name" with backslashes, as Windows writes relative paths */
static bool add_path(struct making *m, const char *name)
{
	size_t n = 0;

	if (name[0] != '.') {
		m->path[n++] = '.';
		m->path[n++] = '\\';
	}
	for (; *name && n + 1 < PATH_ROOM; name++)
		m->path[n++] = *name == '/' ? '\\' : *name;
	m->path[n] = '\0';
	add(m, "relative_path", m->path);
	return !*name;
}

static bool is_linkage(const char *key)
{
	return !strcmp(key, "parent_linkage") ||
	       !strcmp(key, "parent_linkage2");
}

static bool is_path(const char *key)
{
	return !strcmp(key, "relative_path") || !strcmp(key, "volume_path") ||
	       !strcmp(key, "absolute_win32_path");
}

/* what names the old parent goes; keys of others' making stay */
static void keep(struct making *m, const struct vhdx_locator *old, bool paths)
{
	for (uint32_t i = 0; i < old->count; i++) {
		char *key = m->kept + m->kept_bytes, *value;
		size_t room = sizeof(m->kept) - m->kept_bytes;
		size_t half = room / 2;

		if (m->count == VHDX_LOCATOR_COUNT_MAX || half < 2 ||
		    !vhdx_locator_entry(old, i, key, half, key + half, half) ||
		    is_linkage(key) || (is_path(key) && !paths))
			continue;
		value = key + strlen(key) + 1;
		memmove(value, key + half, strlen(key + half) + 1);
		m->kept_bytes += strlen(key) + strlen(value) + 2;
		add(m, key, value);
	}
}

uint32_t vhdx_name_parent(const struct vhdx_linkage *linkage, const char *name,
			  const struct vhdx_locator *old, uint8_t *item,
			  size_t room)
{
	struct making *m = calloc(1, sizeof(*m));
	uint32_t length = 0;
	bool ok = true;

	if (!m)
		return 0;
	add_linkage(m, 0, "parent_linkage", &linkage->first);
	if (name)
		ok = add_path(m, name);
	if (!vhd_guid_is_null(&linkage->second))
		add_linkage(m, 1, "parent_linkage2", &linkage->second);
	if (old)
		keep(m, old, !name);
	if (ok)
		length = vhdx_locator_encode(m->pairs, m->count, item, room);
	free(m);
	return length;
}
