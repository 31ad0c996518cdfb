/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the UEFI loader's configuration (first byte even) or as load
 * options: texts that come out end, and an entry names an image.
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "options.h"

static void check_text(const char *text)
{
	if (strnlen(text, CONF_TEXT) == CONF_TEXT)
		abort();
}

static void check_entry(const struct conf_entry *entry)
{
	check_text(entry->title);
	check_text(entry->volume);
	check_text(entry->image);
	check_text(entry->loader);
	check_text(entry->options);
	if (!entry->image[0])
		abort();
}

static void try_conf(const char *text, size_t size)
{
	static struct conf conf;
	struct vhd_diag diag = {0};

	if (conf_parse(&conf, text, size, &diag)) {
		if (!diag.error || !diag.text[0])
			abort();
		return;
	}
	if (!conf.count || conf.count > CONF_ENTRIES ||
	    conf.chosen >= conf.count)
		abort();
	for (unsigned i = 0; i < conf.count; i++)
		check_entry(&conf.entries[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf_entry entry;

	if (size < 1)
		return 0;
	if (!(data[0] & 1))
		try_conf((const char *)data + 1, size - 1);
	else if (options_parse(data + 1, size - 1, &entry))
		check_entry(&entry);
	return 0;
}
