/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd_disk: the disk as a guest sees it, a stack of images from the leaf to
 * the base. Layer 0 is the leaf.
 *
 * Parents. A parent is looked for beside its child, then by the child's
 * relative locators; never outside the folder of the image that was opened
 * unless `parent_roots` allows more, or `parent` names it. Only regular files
 * are opened, never through a symbolic link that leaves the folder. Each must
 * have the identity its child recorded.
 *
 * Locks. Unless VHD_DISK_FORCE_SHARE is given, all layers are locked shared on
 * QEMU's byte ranges: a disk that somebody writes is refused (VHD_E_BUSY).
 *
 * Reading functions may be called from many threads at once.
 */
#ifndef LIBVHD_DISK_H
#define LIBVHD_DISK_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vhd_disk;

/* Longest chain, leaf included. */
#define VHD_DISK_DEPTH_MAX 256

/* verify every layer's block table first (see VHD_IMAGE_VERIFY) */
#define VHD_DISK_VERIFY (1u << 0)
/* take no locks */
#define VHD_DISK_FORCE_SHARE (1u << 1)
/* open the leaf alone: its PARENT ranges read as zeros */
#define VHD_DISK_LAYER (1u << 2)
/* accept a parent whose identity differs */
#define VHD_DISK_IGNORE_ID     (1u << 3)
#define VHD_DISK_IGNORE_BITMAP (1u << 4)
/* open the leaf for writing, locked exclusively; implies VERIFY for it */
#define VHD_DISK_WRITE (1u << 5)
/* open without the leaf's lock; see vhd_disk_activate() */
#define VHD_DISK_INACTIVE (1u << 6)
/* with WRITE: content stays as it is (VHD_IMAGE_SAME_CONTENT) */
#define VHD_DISK_SAME_CONTENT (1u << 7)
/* with WRITE: write even if the leaf is the parent of images beside it, which
 * the write makes worthless; see vhd_find_children() */
#define VHD_DISK_IGNORE_CHILDREN (1u << 8)

/*
 * Supplies the parent of `child`, instead of the search above: sets *file
 * (owned by the disk) and, if it likes, a name for messages. 0, or VHD_E_PARENT
 * if there is none.
 */
typedef int vhd_parent_fn(void *ctx, struct vhd_image *child, unsigned depth,
			  struct vhd_file **file, char *name, size_t name_size);

struct vhd_disk_options {
	size_t size; /* sizeof(struct vhd_disk_options) */
	int format;  /* of the leaf; parents have the same */
	uint32_t flags;
	uint32_t size_rule; /* enum vhd_size_rule */
	/* the leaf's parent, by path; NULL: search */
	const char *parent;
	/* more folders in which parents may lie */
	const char *const *parent_roots;
	size_t parent_root_count;
	vhd_parent_fn *find_parent;
	void *find_parent_ctx;
};

/*
 * Opens a disk by the path of its leaf.
 *
 * Errors: those of vhd_file_open() and vhd_image_open(); VHD_E_PARENT (not
 * found where it may be), VHD_E_MISMATCH (found, wrong identity), VHD_E_LOOP,
 * VHD_E_LIMIT (too deep), VHD_E_BUSY. diag->path names the file at fault.
 */
int vhd_disk_open(const char *path, const struct vhd_disk_options *options,
		  struct vhd_disk **out, struct vhd_diag *diag);

/*
 * The same from an open file, owned by the disk on success. `name` is for
 * messages. Without a path there is no folder to search: parents come from
 * options->parent, ->parent_roots or ->find_parent.
 */
int vhd_disk_open_file(struct vhd_file *file, const char *name,
		       const struct vhd_disk_options *options,
		       struct vhd_disk **out, struct vhd_diag *diag);

void vhd_disk_close(struct vhd_disk *disk);

uint64_t vhd_disk_size(const struct vhd_disk *disk);
uint32_t vhd_disk_sector_size(const struct vhd_disk *disk);

/* Number of layers, at least 1. */
unsigned vhd_disk_layers(const struct vhd_disk *disk);
struct vhd_image *vhd_disk_image(struct vhd_disk *disk, unsigned layer);
/* The path a layer was opened by; "" if unknown. */
const char *vhd_disk_path(const struct vhd_disk *disk, unsigned layer);

/*
 * Reads `len` bytes at `offset`, any alignment, all or nothing. One pread of
 * the image file for a range that lies in one piece; no lock and no memory
 * allocation where the block table is in memory. VHD_E_RANGE past the end.
 * Where the image is damaged: VHD_E_CORRUPT, never made-up data.
 */
int vhd_disk_read(struct vhd_disk *disk, uint64_t offset, void *buf, size_t len,
		  struct vhd_diag *diag);

/*
 * The longest run at `offset`, at most `length` bytes, that is stored in one
 * way in one layer: DATA (offset in the file of layer `depth`) or ZERO.
 */
int vhd_disk_extent(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		    struct vhd_extent *out, struct vhd_diag *diag);

/*
 * The path of `target` as seen from the folder of `from` ("base.vhdx",
 * "../golden/base.vhdx"): how a child names its parent. Folders are resolved
 * through symbolic links, the last components are taken as they are; `from` and
 * `target` need not exist, their folders must (VHD_E_NOENT). free() the result.
 */
int vhd_relative_path(const char *from, const char *target, char **out);

/* -- children ----------------------------------------------------------------
 */

/* One child; a nonzero result ends the search and is returned. */
typedef int vhd_child_fn(void *ctx, const char *path);

/*
 * Calls `found` for each image in the folder of the one at `path` that was made
 * of it: it records this identity, and its parent is not found to be another
 * file. No format records children, so those in other folders stay unknown.
 * Opens without locks and changes nothing.
 *
 * vhd_disk_open() with VHD_DISK_WRITE refuses an image with children in this
 * sense (VHD_E_CHILDREN): its parent's content is what a child does not store.
 */
int vhd_find_children(const char *path, int format, vhd_child_fn *found,
		      void *ctx, struct vhd_diag *diag);

/* -- writing -----------------------------------------------------------------
 *
 * With VHD_DISK_WRITE. Only the leaf is ever written. Offsets and lengths are
 * whole logical sectors (VHD_E_ALIGN), inside the disk (VHD_E_RANGE).
 *
 * What a returned call means: the content is there for every later read. It
 * survives a power cut only after a vhd_disk_flush() that began later has
 * returned 0. Until then each sector holds its old or its new content, never
 * anything else.
 *
 * When the host fails: VHD_E_NOSPACE and VHD_E_IO of a write concern that write
 * alone, which may be tried again.
 *
 * When the host has no space for metadata, vhd_disk_flush() returns
 * VHD_E_NOSPACE (so does a write that has to bring metadata out first). Nothing
 * is lost then, and nothing more is durable: reads show what was written,
 * writes into stored ranges and discards go on, and a flush after there is
 * space again makes all of it durable. VHD_E_NOMEM of a flush is alike.
 *
 * If metadata cannot be written for another reason, or the host's own flush
 * (fdatasync) fails with whatever error, what the file holds is in doubt; that
 * error is returned by every later write and flush, and opening the image again
 * starts from what is durable.
 *
 * All may be called from many threads at once; where calls that run at the same
 * time overlap, each sector gets the content of one of them.
 */

int vhd_disk_write(struct vhd_disk *disk, uint64_t offset, const void *buf,
		   size_t len, struct vhd_diag *diag);

/*
 * Makes a range read as zeros, by metadata or holes where the format and the
 * parents allow it.
 */
int vhd_disk_zero(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		  struct vhd_diag *diag);

/*
 * The same by writing zeros, as many as it takes: the range has its space in
 * the file afterwards.
 */
int vhd_disk_write_zeros(struct vhd_disk *disk, uint64_t offset,
			 uint64_t length, struct vhd_diag *diag);

/*
 * Says that the content of a range is not needed. Space is given back where
 * possible; afterwards the range reads as zeros or as before. Never shows
 * what a parent holds instead.
 */
int vhd_disk_discard(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		     struct vhd_diag *diag);

/* Makes everything written before the call durable. */
int vhd_disk_flush(struct vhd_disk *disk, struct vhd_diag *diag);

/*
 * Ends writing: flushes, and leaves the file as its format wants it when it is
 * not in use (clean log, footer behind the last block). The disk can be read
 * afterwards. Closing a disk without this is like a crash: nothing flushed is
 * lost. Nothing may run at the same time. 0 for a read-only disk.
 *
 * If its flush fails with VHD_E_NOSPACE or VHD_E_NOMEM as above, nothing has
 * ended: vhd_disk_is_writable() says 1, and it may be called again. After any
 * other failure the disk takes no more writes.
 */
int vhd_disk_shut(struct vhd_disk *disk, struct vhd_diag *diag);

/*
 * Handing a disk over to another host on shared storage.
 *
 * vhd_disk_inactivate() flushes, closes the leaf cleanly, forgets what is
 * cached of it and drops its lock. Until vhd_disk_activate() takes the lock
 * again and reads the leaf anew, reads and writes fail with VHD_E_BUSY. A disk
 * opened with VHD_DISK_INACTIVE starts in that state: the other host may still
 * be writing.
 *
 * Both can never be active at once: activating fails with VHD_E_BUSY while
 * somebody else holds the lock, and may be tried again. Nothing may run on the
 * disk at the same time. The size may have changed afterwards.
 */
int vhd_disk_inactivate(struct vhd_disk *disk, struct vhd_diag *diag);
int vhd_disk_activate(struct vhd_disk *disk, struct vhd_diag *diag);
int vhd_disk_is_active(const struct vhd_disk *disk);

/*
 * Gives a writable disk another size, a whole number of its sectors, in place
 * and durably. Requests of other threads wait meanwhile, those to the part that
 * is cut off fail or are lost; writing goes on afterwards. What is new reads as
 * zeros, whatever a parent holds there; what is cut off is lost without a
 * question: vhd_resize() asks. The id stays.
 *
 * After a crash in the middle the disk has the old or the new size and all its
 * content; the same call again finishes what was begun.
 *
 * VHD_E_INVALID, VHD_E_ALIGN, VHD_E_LIMIT for a size that the format does not
 * allow (2040 GiB for dynamic and differencing VHD, 64 TiB for VHDX);
 * VHD_E_UNSUPPORTED for an image whose other structures do not let it grow or
 * shrink; VHD_E_PARENT for a differencing VHD opened without its parent. Those
 * change nothing. After any other (VHD_E_IO, VHD_E_NOSPACE, VHD_E_NOMEM) the
 * disk may take no more writes until it is opened again.
 */
int vhd_disk_resize(struct vhd_disk *disk, uint64_t size,
		    struct vhd_diag *diag);

/* 1 if the disk takes writes */
int vhd_disk_is_writable(const struct vhd_disk *disk);

/*
 * 1 if the file says all that memory does of what is stored where. Then what is
 * written into stored data is not lost with this process, but for a power cut:
 * see VHD_REQUEST_SURVIVES. Any thread may ask; others may change it.
 */
int vhd_disk_is_settled(const struct vhd_disk *disk);

/* -- moving the bytes oneself -----------------------------------------------
 *
 * For programs that give the kernel descriptors and offsets instead of buffers:
 * a FUSE server that splices, a virtual machine monitor with a ring of its own.
 * All may be called from many threads.
 */

/*
 * Between hold and release the extents that are asked for stay true: the space
 * they name is not given to anything else. Waits only while the structure of
 * the disk is changed (vhd_disk_resize(), vhd_merge_disk()). Hold it for one
 * request only: freed space is kept back meanwhile, and maintenance waits. In
 * between call nothing that reads, writes or holds. Returns a token for
 * release.
 */
unsigned vhd_disk_hold(struct vhd_disk *disk);
void vhd_disk_release(struct vhd_disk *disk, unsigned token);

/*
 * As vhd_disk_extent(), from layer `first` on: the disk as it was before the
 * layers above it were made. The range lies inside the disk or that layer;
 * behind the layer's end are zeros. PARENT never comes out.
 */
int vhd_disk_layer_extent(struct vhd_disk *disk, unsigned first,
			  uint64_t offset, uint64_t length,
			  struct vhd_extent *out, struct vhd_diag *diag);

/* As vhd_disk_read(), from layer `first` on. */
int vhd_disk_layer_read(struct vhd_disk *disk, unsigned first, uint64_t offset,
			void *buf, size_t len, struct vhd_diag *diag);

/* One piece of a write, its bytes to be moved by the caller. */
struct vhd_disk_piece {
	uint64_t start;     /* of the disk */
	uint64_t length;    /* may be less than asked for */
	uint64_t offset;    /* in the leaf's file: the data go here */
	uint64_t state[32]; /* the library's own */
};

/*
 * Reserves what the next piece of [offset, offset + length) needs. The caller
 * then writes exactly `length` bytes at `offset` of the leaf's file
 * (vhd_image_file(), or its descriptor) and ends the piece with commit, after
 * which reads show it, or with abort if the bytes could not be written: then
 * the disk is as before, except that a range that was stored already holds
 * whatever was written. A block that is being allocated makes others who want
 * to allocate the same block wait, and in a VHDX child perhaps those near it,
 * so end a piece before beginning the next. Errors as vhd_disk_write().
 */
int vhd_disk_piece_begin(struct vhd_disk *disk, uint64_t offset,
			 uint64_t length, struct vhd_disk_piece *out,
			 struct vhd_diag *diag);
int vhd_disk_piece_commit(struct vhd_disk *disk, struct vhd_disk_piece *piece);
void vhd_disk_piece_abort(struct vhd_disk *disk, struct vhd_disk_piece *piece);

#ifdef __cplusplus
}
#endif

#endif
