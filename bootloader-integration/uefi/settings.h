/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdboot.conf: beside the program, else in \EFI\vhdboot of its volume. */
#ifndef VHDBOOT_SETTINGS_H
#define VHDBOOT_SETTINGS_H

#include "conf.h"

#define SETTINGS_NAME "vhdboot.conf"
#define SETTINGS_PATH "/EFI/vhdboot/" SETTINGS_NAME

/* In memory of memory_get(). diag->path names the file. */
int settings_read(struct conf **out, struct vhd_diag *diag);

#endif
