/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Giving up rights. What follows is code that reads file systems made by
 * strangers; if one of them takes it over, it can read the disk that is already
 * open, write to standard output, and nothing else.
 */
#ifndef FSMAP_SANDBOX_H
#define FSMAP_SANDBOX_H

/*
 * The address sanitizer maps terabytes and writes to standard error; a build
 * with it has a weaker sandbox, and is for tests only.
 */

/*
 * Drops root, new privileges, the file system (Landlock, where the kernel has
 * it), all system calls that are not needed (seccomp), and limits memory and
 * processor time. `scratch` is a descriptor that may be written to besides
 * standard output.
 *
 * Returns NULL, or what could not be done (static); errno tells why. Without
 * seccomp there is no sandbox, and nothing may be read.
 */
const char *sandbox_enter(int scratch);

/*
 * For tests, in the sandbox: tries what must not work and prints a line for
 * each. Returns how many were not refused.
 */
int sandbox_test(void);

#endif
