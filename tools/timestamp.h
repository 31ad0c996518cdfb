/* SPDX-License-Identifier: BSD-2-Clause */
/* Points in time on the command line. */
#ifndef TOOLS_TIMESTAMP_H
#define TOOLS_TIMESTAMP_H

#include <stdint.h>

/*
 * Parses Unix seconds ("1700000000") or ISO 8601 ("2023-11-14T22:13:20Z",
 * "2023-11-14 22:13:20+01:00", "2023-11-14"); without a zone it is UTC. The
 * time must fit a VHD: 2000 to early 2136. Returns NULL, or what is wrong with
 * the text (a static phrase, *seconds untouched).
 */
const char *timestamp_parse(const char *text, int64_t *seconds);

#endif
