/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside a vhd_disk. */
#ifndef VHD_DISK_DISK_H
#define VHD_DISK_DISK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <libvhd/disk.h>

struct vhd_layer {
	struct vhd_image *image;
	char *path; /* never NULL; "" if unknown */
	struct vhd_file_id id;
};

struct vhd_disk {
	struct vhd_layer layers[VHD_DISK_DEPTH_MAX];
	_Atomic unsigned count;
	_Atomic uint64_t size;
	uint32_t sector_size;
	bool writable;
	bool inactive;
	/* how the leaf was opened, to open it again */
	struct vhd_disk_options leaf_options;
	/* a structure that all requests rely on is being changed */
	_Atomic bool stopped; /* set with the mutex */
	unsigned flushing;    /* threads; with the mutex */
	pthread_mutex_t mutex;
	pthread_cond_t goes_on;
};

/* As vhd_disk_hold(), but false instead of waiting. */
bool vhd_disk_try_hold(struct vhd_disk *disk, unsigned *token);

/* Closes its image, and frees its path. */
void vhd_layer_close(struct vhd_layer *layer);

/* Puts the file's name into a diag that was just filled; returns its error. */
int vhd_diag_path(struct vhd_diag *diag, int error, const char *path);

/*
 * Opens a file as an image with the options of a disk, locked as they say. A
 * parent is opened by the same options without VHD_DISK_WRITE.
 */
int vhd_disk_open_image(struct vhd_file *file,
			const struct vhd_disk_options *options, uint32_t flags,
			struct vhd_image **out, struct vhd_diag *diag);

/* VHD_E_CHILDREN if the image at `path` has children beside it, else 0. */
int vhd_refuse_children(const char *path, int format, struct vhd_diag *diag);

/* where the bytes of a range are; used by all of io.c and write.c */
int vhd_disk_resolve(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		     struct vhd_extent *out, struct vhd_diag *diag);

/*
 * For those who must not wait; the disk is held (vhd_disk_hold()). Where a
 * range is, as vhd_disk_resolve(), or VHD_NOT_IN_MEMORY (image/pages.h). False
 * if the range is not inside an active disk.
 */
bool vhd_disk_may_read(const struct vhd_disk *disk, uint64_t offset,
		       uint64_t length);
int vhd_disk_resolve_in_memory(struct vhd_disk *disk, uint64_t offset,
			       uint64_t length, struct vhd_extent *out);
/* True if a write of whole sectors may go wherever the leaf stores the range,
 * and needs nothing else. */
bool vhd_disk_may_overwrite(const struct vhd_disk *disk, uint64_t offset,
			    uint64_t length);

#endif
