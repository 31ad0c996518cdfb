/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting what is inside an image. */
#ifndef VHDBOOT_START_H
#define VHDBOOT_START_H

#include "conf.h"
#include "efi.h"

/*
 * Starts the loader of an entry: publishes the image if nobody has, says so in
 * the variable, starts, and undoes all that when the loader comes back. What
 * went wrong is shown. Returns the loader's status, or that of the failure.
 */
efi_status start_entry(const struct conf_entry *entry);

#endif
