/* SPDX-License-Identifier: BSD-2-Clause */
/* Modules of the kernel. */
#ifndef LINUX_MODULE_H
#define LINUX_MODULE_H

/* Asks modprobe for a module. Whether that helped is seen by its device. */
void module_load(const char *name);

#endif
