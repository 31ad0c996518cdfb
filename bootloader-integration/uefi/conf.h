/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdboot.conf: lines of a word and its value. README.md lists the words.
 *
 * `title` begins an entry; `timeout` and `default` stand anywhere. Empty lines
 * and lines that begin with '#' say nothing. Mistakes are errors, and name
 * their line: an entry that is half understood would start the wrong thing.
 */
#ifndef VHDBOOT_CONF_H
#define VHDBOOT_CONF_H

#include <libvhd/error.h>
#include <stdbool.h>
#include <stddef.h>

#define CONF_ENTRIES 32u
#define CONF_TEXT    512u
#define CONF_BYTES   ((size_t)64 << 10) /* longest file that is read */

struct conf_entry {
	char title[CONF_TEXT];
	char volume[CONF_TEXT]; /* "": where the loader is */
	char image[CONF_TEXT];
	char loader[CONF_TEXT];  /* "": the one a removable disk has */
	char options[CONF_TEXT]; /* for that loader */
};

struct conf {
	unsigned timeout; /* seconds; 0: the menu is not shown */
	unsigned chosen;  /* the default entry */
	unsigned count;
	struct conf_entry entries[CONF_ENTRIES];
};

/* Errors: VHD_E_INVALID, and VHD_E_LIMIT for too many entries. */
int conf_parse(struct conf *conf, const char *text, size_t length,
	       struct vhd_diag *diag);

/*
 * "VOLUME:/path", or a path alone, into entry->volume and entry->image. False
 * if it does not fit.
 */
bool conf_set_image(struct conf_entry *entry, const char *text);

#endif
