/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootwords conf FILE: what vhdboot.efi would make of a vhdboot.conf.
 * bootwords cmdline FILE: what vhd-attach would make of a kernel's command
 * line. Both print it, a line an entry.
 */
#include <stdio.h>
#include <string.h>

#include "linux/settings.h"
#include "uefi/conf.h"

static char text[CONF_BYTES + 1];

static int show_conf(size_t length)
{
	static struct conf conf;
	struct vhd_diag diag = {0};
	int rc = conf_parse(&conf, text, length, &diag);

	if (rc) {
		fprintf(stderr, "%s\n", diag.text);
		return 1;
	}
	for (unsigned i = 0; i < conf.count; i++)
		printf("%s: %s %s\n", conf.entries[i].title,
		       conf.entries[i].volume, conf.entries[i].image);
	return 0;
}

static int show_line(void)
{
	static struct settings settings;
	int rc = settings_from_line(text, &settings);

	if (rc)
		return rc;
	printf("%s mode %s overlay %s timeout %u\n", settings.root.path,
	       attach_mode_names[settings.mode], settings.overlay,
	       settings.timeout);
	return 0;
}

int main(int argc, char **argv)
{
	FILE *in = argc == 3 ? fopen(argv[2], "re") : NULL;
	size_t length;

	if (!in)
		return 2;
	length = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	return strcmp(argv[1], "conf") == 0 ? show_conf(length) : show_line();
}
