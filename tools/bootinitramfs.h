/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot-install --initramfs: in the system below `root`, what makes an initramfs
 * that attaches the image:
 *
 *	usr/bin/vhd-attach
 *	etc/initramfs-tools/...              its hook and script, and
 *	usr/lib/dracut/modules.d/90vhd/...   the module, where these are used
 *	etc/default/grub.d/vhdroot.cfg       vhdroot= for its kernels, if wanted
 *	var/lib/vhdtool/initramfs.txt        the note of what is ours
 *
 * What a package has installed is left to it.
 */
#ifndef TOOLS_BOOTINITRAMFS_H
#define TOOLS_BOOTINITRAMFS_H

#include "bootinstall.h"

/* Both return an enum tool_exit, failures printed. */
int boot_initramfs_install(const struct boot_install *install, bool vhdroot);
int boot_initramfs_remove(const struct boot_install *install);

#endif
