/* SPDX-License-Identifier: BSD-2-Clause */
/* Instead of ublk*.c where there is no liburing: ublk is io_uring all through.
 */
#include <errno.h>

#include "command.h"
#include "diag.h"
#include "ublkserver.h"

static int refuse(struct vhd_disk *disk, const char *image, void **out)
{
	(void)disk;
	(void)out;
	return diag_error(image, "cannot be attached as a ublk device: this "
				 "program was built without io_uring");
}

const struct servant ublk_servant = {.open = refuse};

int ublk_take_away(const char *name, bool alive)
{
	(void)name;
	(void)alive;
	return -EOPNOTSUPP;
}
