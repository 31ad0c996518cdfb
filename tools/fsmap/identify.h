/* SPDX-License-Identifier: BSD-2-Clause */
/* Which file system, or other thing with a signature, an area holds. */
#ifndef FSMAP_IDENTIFY_H
#define FSMAP_IDENTIFY_H

#include "volume.h"

/*
 * Sets type and label, both "" if there is no signature. Returns FSMAP_UNKNOWN,
 * or FSMAP_AMBIGUOUS (several signatures) or FSMAP_DAMAGED (cannot be read),
 * with which no more is to be done. Leaves the area in the window.
 */
enum fsmap_state identify(struct volume *volume);

#endif
