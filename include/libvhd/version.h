/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Version of the library. This file is the only place that holds the number:
 * the build system, pkg-config, the CMake package and `vhdtool --version` all
 * read it from here.
 *
 * The shared library's soname is libvhd.so.1: 0.x releases already promise the
 * symbol versions of libvhd.map.
 */
#ifndef LIBVHD_VERSION_H
#define LIBVHD_VERSION_H

#define VHD_VERSION_MAJOR  0
#define VHD_VERSION_MINOR  1
#define VHD_VERSION_PATCH  0
#define VHD_VERSION_STRING "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version of the library that runs, e.g. "0.1.0". It may differ from
 * VHD_VERSION_STRING, which is the version of the headers the caller saw.
 * The string is static. Safe from any thread.
 */
const char *vhd_version(void);

#ifdef __cplusplus
}
#endif

#endif
