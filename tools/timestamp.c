/* SPDX-License-Identifier: BSD-2-Clause */
#include "timestamp.h"

#include <stdbool.h>
#include <stddef.h>

/* A VHD counts 32 bits of seconds from 2000-01-01 UTC. */
#define TIMESTAMP_MIN ((int64_t)946684800)
#define TIMESTAMP_MAX (TIMESTAMP_MIN + UINT32_MAX)

/* A calendar date and time, and minutes east of Greenwich. */
struct moment {
	int year, month, day;
	int hour, minute, second;
	int zone;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly `count` digits. */
static bool take_number(const char **text, int count, int *out)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (!is_digit((*text)[i]))
			return false;
		value = value * 10 + ((*text)[i] - '0');
	}
	*text += count;
	*out = value;
	return true;
}

static bool take(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static bool take_date(const char **text, struct moment *m)
{
	return take_number(text, 4, &m->year) && take(text, '-') &&
	       take_number(text, 2, &m->month) && take(text, '-') &&
	       take_number(text, 2, &m->day);
}

static bool take_time(const char **text, struct moment *m)
{
	if (!take_number(text, 2, &m->hour) || !take(text, ':') ||
	    !take_number(text, 2, &m->minute))
		return false;
	return !take(text, ':') || take_number(text, 2, &m->second);
}

/* "", "Z", "+01:00", "+0100", "+01" */
static bool take_zone(const char **text, struct moment *m)
{
	int hours, minutes = 0;
	bool east = **text == '+';

	if (!**text || take(text, 'Z') || take(text, 'z'))
		return true;
	if (!take(text, '+') && !take(text, '-'))
		return false;
	if (!take_number(text, 2, &hours))
		return false;
	take(text, ':');
	if (**text && !take_number(text, 2, &minutes))
		return false;
	m->zone = (hours * 60 + minutes) * (east ? 1 : -1);
	return hours < 24 && minutes < 60;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool is_valid(const struct moment *m)
{
	static const int days[12] = {31, 28, 31, 30, 31, 30,
				     31, 31, 30, 31, 30, 31};
	int last;

	if (m->month < 1 || m->month > 12)
		return false;
	last = days[m->month - 1] + (m->month == 2 && is_leap(m->year));
	return m->day >= 1 && m->day <= last && m->hour < 24 &&
	       m->minute < 60 && m->second < 60;
}

/* Days from 1970-01-01 in the Gregorian calendar. */
static int64_t days_of(const struct moment *m)
{
	/* years that begin in March put the leap day last */
	int64_t year = m->month > 2 ? m->year : m->year - 1;
	int64_t month = (m->month + 9) % 12;

	return 365 * year + year / 4 - year / 100 + year / 400 +
	       (153 * month + 2) / 5 + m->day - 1 - 719468;
}

static bool parse_iso(const char *text, int64_t *out)
{
	struct moment m = {0};

	if (!take_date(&text, &m))
		return false;
	if (*text && !take(&text, 'T') && !take(&text, 't') &&
	    !take(&text, ' '))
		return false;
	if (*text && (!take_time(&text, &m) || !take_zone(&text, &m)))
		return false;
	if (*text || !is_valid(&m))
		return false;
	*out = days_of(&m) * 86400 + m.hour * 3600 +
	       ((int64_t)m.minute - m.zone) * 60 + m.second;
	return true;
}

/* Large values stop at one that is out of range anyway. */
static bool parse_seconds(const char *text, int64_t *out)
{
	int64_t value = 0;

	if (!*text)
		return false;
	for (; is_digit(*text); text++) {
		if (value <= TIMESTAMP_MAX)
			value = value * 10 + (*text - '0');
	}
	*out = value;
	return !*text;
}

const char *timestamp_parse(const char *text, int64_t *seconds)
{
	int64_t value;

	if (!parse_seconds(text, &value) && !parse_iso(text, &value))
		return "not a time; give Unix seconds, or "
		       "2023-11-14T22:13:20Z";
	if (value < TIMESTAMP_MIN || value > TIMESTAMP_MAX)
		return "an image can only hold times from 2000 to 2136";
	*seconds = value;
	return NULL;
}
