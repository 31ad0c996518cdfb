/* SPDX-License-Identifier: BSD-2-Clause */
/* Choosing an entry. */
#ifndef VHDBOOT_MENU_H
#define VHDBOOT_MENU_H

#include "conf.h"

/*
 * Shows the entries and returns the one chosen; the default one after `seconds`
 * if `start`, else MENU_LEAVE; 0 waits for ever. MENU_LEAVE for Esc.
 */
#define MENU_LEAVE (-1)
int menu_choose(const struct conf *conf, unsigned seconds, int start);

#endif
