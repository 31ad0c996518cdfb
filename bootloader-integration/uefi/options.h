/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load options, as shells, boot menus and firmware pass them:
 *
 *   [vhdboot.efi] [VOLUME:]PATH [loader=PATH] [what the loader inside gets]
 *
 * A path with blanks stands between double quotes.
 */
#ifndef VHDBOOT_OPTIONS_H
#define VHDBOOT_OPTIONS_H

#include "conf.h"

/*
 * `bytes` bytes of UTF-16. True if they name an image; bytes that are no text
 * name none.
 */
bool options_parse(const void *raw, size_t bytes, struct conf_entry *out);

#endif
