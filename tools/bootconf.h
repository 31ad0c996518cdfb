/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of ours in a vhdboot.conf: each lies between two comments that have
 * its name, so that it can be taken out again. All other lines are somebody
 * else's and stay as they are, byte for byte.
 */
#ifndef TOOLS_BOOTCONF_H
#define TOOLS_BOOTCONF_H

#include <stdbool.h>

struct boot_entry {
	const char *name;    /* of the entry: letters, digits, - . _ */
	const char *title;   /* in the menu */
	const char *volume;  /* "PARTUUID=..."; NULL: where the loader is */
	const char *image;   /* path from the root of the volume */
	const char *options; /* for the loader inside; NULL: none */
};

/* True if `conf` has an entry of ours with this name; any, if NULL. */
bool boot_conf_has(const char *conf, const char *name);

/* True if there is nothing but blanks. */
bool boot_conf_is_empty(const char *conf);

/* `conf` with the entry behind all others. free() it. */
char *boot_conf_add(const char *conf, const struct boot_entry *entry);

/* `conf` without the entry; NULL if its end is missing. free() it. */
char *boot_conf_remove(const char *conf, const char *name);

/* Entries of anybody. */
unsigned boot_conf_count(const char *conf);

#endif
