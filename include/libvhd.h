/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvhd: VHD and VHDX images. This header includes the whole public
 * interface; each part has a header of its own that says what it is for.
 *
 *	version.h  error.h  types.h
 *	file.h     the door to storage
 *	image.h    one image file
 *	disk.h     the disk a guest sees: a chain of images
 *	queue.h    asynchronous requests to a disk
 *	job.h      progress and cancellation
 *	ops.h      convert, hash, compare, check
 *	boot.h     the freestanding reader for boot loaders
 */
#ifndef LIBVHD_H
#define LIBVHD_H

#include "libvhd/version.h"
#include "libvhd/error.h"
#include "libvhd/types.h"
#include "libvhd/file.h"
#include "libvhd/image.h"
#include "libvhd/disk.h"
#include "libvhd/queue.h"
#include "libvhd/job.h"
#include "libvhd/ops.h"
#include "libvhd/boot.h"

#endif
