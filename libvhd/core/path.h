/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths inside parent locators, turned into names that may be looked up.
 * They come from strangers; vhd.md 7.5, 20.3 and vhdx.md 13.5, 16.9.
 */
#ifndef VHD_CORE_PATH_H
#define VHD_CORE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Longest locator path that is looked at, with its NUL. */
#define VHD_PATH_MAX 4096

enum vhd_path_kind {
	VHD_PATH_RELATIVE = 1, /* usable below the child's folder */
	VHD_PATH_ABSOLUTE = 2, /* a POSIX path from '/' */
	VHD_PATH_FOREIGN = 3,  /* a drive, a share, a device: name only */
};

/*
 * Rewrites a Windows or POSIX path in place: '\' becomes '/', leading "./"
 * and doubled separators go. "X:...", "//server/share" and "//?/..." are
 * FOREIGN: never opened, only their last component may be looked up. Returns
 * 0 for a path that is empty or names no file (ends in '/', "." or "..").
 */
int vhd_path_normalise(char *path);

/*
 * Decodes a MacX locator ("file://localhost/dir/a.vhd", "file:///dir/a.vhd",
 * "file://./a.vhd") in place into a path. False for other schemes and hosts
 * and for malformed or NUL percent escapes.
 */
bool vhd_path_from_url(char *url);

/* The part after the last '/'. */
const char *vhd_path_base(const char *path);

#endif
