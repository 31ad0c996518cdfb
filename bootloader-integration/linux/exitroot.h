/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exit environment: a root in memory that systemd goes to when all else is
 * stopped (systemd.io/INITRD_INTERFACE), so that the real root and what it lies
 * in can be unmounted. It holds this program, as `shutdown`.
 */
#ifndef LINUX_EXITROOT_H
#define LINUX_EXITROOT_H

#define EXITROOT "/run/initramfs"

/*
 * Makes it, in a file system of its own, as /run may not be one that programs
 * are started from. Returns an enum tool_exit; failures are printed.
 */
int exitroot_make(void);

/*
 * In it: unmounts everything below /oldroot, detaches all devices, unmounts
 * what the images lie on. Returns an enum tool_exit; what does not work is
 * printed, and the rest is done all the same.
 */
int exitroot_release(void);

#endif
