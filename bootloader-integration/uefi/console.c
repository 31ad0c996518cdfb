/* SPDX-License-Identifier: BSD-2-Clause */
#include "console.h"

#include <stdarg.h>

#include "core/mem.h"
#include "core/utf16.h"
#include "firmware.h"
#include "text.h"

#define PIECE 128u /* bytes of UTF-8 at a time */
#define PAUSE 10u

/* -- out ---------------------------------------------------------------------
 */

static void put_units(const uint8_t *units, size_t bytes)
{
	efi_char text[2 * PIECE + 1];
	size_t n = 0;

	for (size_t i = 0; i + 1 < bytes; i += 2) {
		efi_char c = (efi_char)(units[i] | units[i + 1] << 8);

		if (c == '\n')
			text[n++] = '\r';
		text[n++] = c;
	}
	text[n] = 0;
	firmware->out->output(firmware->out, text);
}

/* how much of a text can be shown at once: not half a character */
static size_t piece_of(const char *text)
{
	size_t n = text_length(text);

	if (n < PIECE)
		return n;
	n = PIECE - 1;
	while (n > PIECE - 5 && ((uint8_t)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void put(const char *text)
{
	uint8_t units[2 * PIECE];
	char piece[PIECE];
	size_t n, bytes;

	for (; *text; text += n) {
		n = piece_of(text);
		memcpy(piece, text, n);
		piece[n] = '\0';
		bytes = vhd_utf16_encode(piece, VHD_UTF16_LE, units,
					 sizeof(units));
		if (!bytes) /* no UTF-8 */
			bytes = vhd_utf16_encode("?", VHD_UTF16_LE, units,
						 sizeof(units));
		put_units(units, bytes);
	}
}

void console_say(const char *text, ...)
{
	va_list more;

	va_start(more, text);
	for (; text; text = va_arg(more, const char *))
		put(text);
	va_end(more);
}

void console_clear(void)
{
	firmware->out->clear(firmware->out);
}

void console_explain(const char *subject, const struct vhd_diag *diag)
{
	const char *file = diag->path[0] ? diag->path : subject;
	const char *general = vhd_strerror(diag->error);
	char number[TEXT_NUMBER];

	console_say("\nvhdboot: ", file, ": ", NULL);
	if (!diag->text[0])
		console_say(general, NULL);
	else if (diag->error == VHD_E_CORRUPT)
		console_say(general, ": ", NULL);
	console_say(diag->text, NULL);
	if (diag->structure)
		console_say(" (", diag->structure, NULL);
	if (diag->offset != VHD_NO_OFFSET) {
		text_number(diag->offset, number);
		console_say(diag->structure ? ", byte " : " (byte ", number,
			    NULL);
	}
	if (diag->structure || diag->offset != VHD_NO_OFFSET)
		console_say(")", NULL);
	if (diag->hint)
		console_say("\n         hint: ", diag->hint, NULL);
	console_say("\n", NULL);
}

/* -- in ----------------------------------------------------------------------
 */

static int key_of(const struct efi_key *key)
{
	switch (key->scan) {
	case EFI_SCAN_UP:
		return CONSOLE_UP;
	case EFI_SCAN_DOWN:
		return CONSOLE_DOWN;
	case EFI_SCAN_ESC:
		return CONSOLE_ESC;
	}
	if (key->unicode == '\n')
		return CONSOLE_ENTER;
	return key->unicode ? key->unicode : CONSOLE_OTHER;
}

static int read_key(void)
{
	struct efi_key key;

	if (firmware->in->read_key(firmware->in, &key) != EFI_SUCCESS)
		return CONSOLE_NONE;
	return key_of(&key);
}

/* a console that cannot wait must not hold the machine up */
static int wait_with(efi_event timer, unsigned seconds)
{
	efi_event events[2] = {timer, firmware->in->key_event};
	unsigned waited = 0;
	size_t index;
	int key;

	for (;;) {
		if (firmware->boot->wait_for_event(2, events, &index) !=
		    EFI_SUCCESS)
			return CONSOLE_NONE;
		key = read_key();
		if (key != CONSOLE_NONE)
			return key;
		if (!index && seconds && ++waited == seconds)
			return CONSOLE_NONE;
	}
}

int console_wait(unsigned seconds)
{
	struct efi_boot_services *boot = firmware->boot;
	efi_event timer;
	int key = CONSOLE_NONE;

	if (boot->create_event(EFI_EVENT_TIMER, EFI_TPL_CALLBACK, NULL, NULL,
			       &timer) != EFI_SUCCESS)
		return CONSOLE_NONE;
	if (boot->set_timer(timer, EFI_TIMER_PERIODIC, EFI_SECOND) ==
	    EFI_SUCCESS)
		key = wait_with(timer, seconds);
	boot->close_event(timer);
	return key;
}

void console_pause(void)
{
	console_say("Press a key to go on.\n", NULL);
	while (read_key() != CONSOLE_NONE)
		; /* what was typed before */
	console_wait(PAUSE);
}
