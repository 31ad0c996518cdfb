/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk behind the kernel's ublk driver, with a thread and a queue of its own.
 * As with NBD, all that is needed is there before the first request.
 */
#ifndef LINUX_UBLKSERVER_H
#define LINUX_UBLKSERVER_H

#include <stdbool.h>

#include "servant.h"

extern const struct servant ublk_servant;

/*
 * Has "ublkbN" taken away, by its server if that is `alive`, else here. 0 or
 * -errno: -EBUSY if it is another's, which has got the number since.
 */
int ublk_take_away(const char *name, bool alive);

#endif
