/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control device of the kernel's ublk driver: block devices that a process
 * serves through io_uring. A device is added, served, started, stopped and
 * deleted; when it is stopped, or its server dies, /dev/ublkbN goes, and what
 * is left until it is deleted is /dev/ublkcN.
 */
#ifndef LINUX_UBLKCTL_H
#define LINUX_UBLKCTL_H

#include <stdbool.h>

#include "ublkwire.h"

struct ublkctl;

/*
 * Opens it, with the driver loaded if need be. 0 or -errno; -ENOENT if this
 * kernel has no ublk.
 */
int ublkctl_open(struct ublkctl **out);
void ublkctl_close(struct ublkctl *c);

/* How opcodes are to be given to this kernel, see ublkwire_opcode(). */
bool ublkctl_is_encoded(const struct ublkctl *c);

/* Adds a device that nobody sees yet. Its number, or -errno. */
int ublkctl_add(struct ublkctl *c, const struct ublkwire_shape *shape);

/*
 * /dev/ublkbN appears, its partitions are read: from then on it is served by
 * this process. Returns -EPIPE if `end` becomes readable while the kernel waits
 * for the server.
 */
int ublkctl_start(struct ublkctl *c, unsigned index, int end);

/* 1 if it is started, 0 if not, or -errno. */
int ublkctl_is_live(struct ublkctl *c, unsigned index);

/* Its requests end, then /dev/ublkbN goes, then its server gets no more. */
int ublkctl_stop(struct ublkctl *c, unsigned index);

/* The rest goes, too. Waits until its server has closed /dev/ublkcN. */
int ublkctl_delete(struct ublkctl *c, unsigned index);

/*
 * The same without waiting, where the kernel can: for as long as a file system
 * of a dead disk is mounted, its number stays taken.
 */
int ublkctl_delete_dead(struct ublkctl *c, unsigned index);

#endif
