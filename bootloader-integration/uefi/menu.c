/* SPDX-License-Identifier: BSD-2-Clause */
#include "menu.h"

#include "console.h"
#include "text.h"

static void show(const struct conf *conf, unsigned at)
{
	char number[TEXT_NUMBER];

	console_clear();
	console_say("\n  Disk images to start from\n\n", NULL);
	for (unsigned i = 0; i < conf->count; i++) {
		text_number(i + 1, number);
		console_say(i == at ? "  > " : "    ", i < 9 ? " " : "", number,
			    "  ", conf->entries[i].title, "\n", NULL);
	}
	console_say("\n  Enter or a number starts an entry, Esc goes back to "
		    "the firmware.\n",
		    NULL);
}

static void show_time(unsigned left, int start)
{
	char number[TEXT_NUMBER];

	text_number(left, number);
	console_say("\r  ", start ? "The marked one starts in " : "Back in ",
		    number, " s  ", NULL);
}

/* the key, or CONSOLE_NONE when the time is over; each second is shown */
static int key_within(unsigned seconds, int start)
{
	int key = CONSOLE_NONE;

	for (unsigned left = seconds; left && key == CONSOLE_NONE; left--) {
		show_time(left, start);
		key = console_wait(1);
	}
	return key;
}

static unsigned moved(const struct conf *conf, unsigned at, int key)
{
	if (key == CONSOLE_UP && at)
		return at - 1;
	if (key == CONSOLE_DOWN && at + 1 < conf->count)
		return at + 1;
	return at;
}

int menu_choose(const struct conf *conf, unsigned seconds, int start)
{
	unsigned at = conf->chosen;
	int key;

	for (;;) {
		show(conf, at);
		key = seconds ? key_within(seconds, start) : console_wait(0);
		console_say("\n", NULL);
		if (key == CONSOLE_NONE)
			return start && seconds ? (int)at : MENU_LEAVE;
		if (key == CONSOLE_ENTER)
			return (int)at;
		if (key == CONSOLE_ESC)
			return MENU_LEAVE;
		if (key > '0' && key <= '9' &&
		    (unsigned)(key - '0') <= conf->count)
			return key - '1';
		at = moved(conf, at, key);
		seconds = 0; /* somebody is there */
	}
}
