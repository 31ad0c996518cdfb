/* SPDX-License-Identifier: BSD-2-Clause */
/* How one file names another relative to the folder it lies in. */
#ifndef TOOLS_RELATIVE_H
#define TOOLS_RELATIVE_H

/*
 * The path of `target` as seen from the folder of `from`: "base.vhdx",
 * "../golden/base.vhdx". Folders are resolved through symbolic links, the last
 * components are taken as they are; `from` need not exist, its folder must.
 * NULL with errno set if a folder cannot be resolved; else free() it.
 */
char *relative_path(const char *from, const char *target);

#endif
