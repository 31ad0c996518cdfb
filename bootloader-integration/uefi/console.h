/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person sees and types. */
#ifndef VHDBOOT_CONSOLE_H
#define VHDBOOT_CONSOLE_H

#include <libvhd/error.h>
#include <stdbool.h>

#include "efi.h"

/* Shows texts in UTF-8, up to a NULL. '\n' begins a line. */
void console_say(const char *text, ...);
void console_clear(void);

/* "IMAGE: what is wrong (structure, byte N)", and what to do about it. */
void console_explain(const char *subject, const struct vhd_diag *diag);

/* What console_wait() returns; a typed character is itself. */
enum console_key {
	CONSOLE_NONE = 0, /* nobody typed in time */
	CONSOLE_ENTER = '\r',
	CONSOLE_ESC = 0x1b,
	CONSOLE_UP = 0x10000,
	CONSOLE_DOWN,
	CONSOLE_OTHER,
};

/* Waits for a key, at most so many seconds; 0 waits for ever. */
int console_wait(unsigned seconds);
/* "Press a key", and waits at most ten seconds. */
void console_pause(void);

#endif
