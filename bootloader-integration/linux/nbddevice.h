/* SPDX-License-Identifier: BSD-2-Clause */
/* A device of the kernel's NBD client, with the server behind it. */
#ifndef LINUX_NBDDEVICE_H
#define LINUX_NBDDEVICE_H

#include "servant.h"

extern const struct servant nbd_servant;

/* Has "nbdN" taken away. 0 or -errno. */
int nbd_take_away(const char *name);

#endif
