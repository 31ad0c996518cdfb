/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader's reader: VHD and VHDX images without an operating system.
 *
 * For UEFI, GRUB and other places that have no libc. Every function here is
 * part of the freestanding core: no allocation, no I/O of its own, no
 * recursion, no 64-bit division, and it needs nothing but memcpy, memmove,
 * memset and memcmp. The hosted library stands on the same object code.
 *
 * The caller supplies
 *  - a source: a callback that reads bytes of the image file;
 *  - state: vhd_boot_size() bytes, aligned to 16, alive while the image is;
 *  - a window: scratch memory for metadata pages, aligned to 16. At least
 *    VHD_BOOT_WINDOW_MIN bytes; VHD_BOOT_WINDOW serves any image in practice,
 *    64 TiB and a dirty log included. More makes it faster.
 *
 * Differencing images: open the child, ask vhd_boot_parent_path() for names,
 * open a parent with the same functions and join them with
 * vhd_boot_set_parent(), which checks the identity and refuses a wrong one.
 *
 * Nothing is ever written. A VHDX with a dirty log is replayed in the window
 * (the real log stays as it is). One reader must not be used from two threads
 * at once.
 */
#ifndef LIBVHD_BOOT_H
#define LIBVHD_BOOT_H

#include "error.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VHD_BOOT_WINDOW_MIN ((size_t)96 << 10)
#define VHD_BOOT_WINDOW     ((size_t)256 << 10)

/* Longest chain that vhd_boot_set_parent() builds. */
#define VHD_BOOT_DEPTH_MAX 256

/*
 * Where the bytes of an image file come from. `size` is the file's length.
 * read_at() fills `len` bytes from `offset` or returns a negative VHD_E_*;
 * it is never asked for a range outside [0, size). The structure is copied;
 * what ctx points to must live as long as the reader.
 */
struct vhd_source {
	void *ctx;
	int (*read_at)(void *ctx, uint64_t offset, void *buf, size_t len);
	uint64_t size;
};

struct vhd_boot;

/* Bytes of state a reader needs; constant for a given library. */
size_t vhd_boot_size(void);

/*
 * The format of an image file: VHD_FORMAT_VHD or _VHDX. `name` is its name or
 * path, with '/'; what .vhd, .avhd, .vhdx or .avhdx at its end say counts, and
 * without them the content.
 *
 * Errors: VHD_E_FORMAT if the content is neither's, might be either's, or is
 * not what the name says; whatever read_at() returns.
 */
int vhd_boot_format(const struct vhd_source *source, const char *name,
		    struct vhd_diag *diag);

/*
 * Opens one image.
 *
 * state   vhd_boot_size() bytes; becomes the reader
 * window  scratch memory of window_size bytes, used until the reader is
 *         dropped (there is no close: forget the memory)
 * format  VHD_FORMAT_RAW, _VHD or _VHDX; never guessed
 * out     the reader, on success
 *
 * Errors: VHD_E_FORMAT, _CORRUPT, _UNSUPPORTED, _LIMIT (window too small for
 * the image's log), _LOG, whatever read_at() returns. A VHD is opened by its
 * end footer only; the copy at offset 0 is not used (it may be guest data).
 * That last rule has one exception: an end footer that is lost entirely, with
 * a valid copy of type dynamic at 0, opens with VHD_COND_FOOTER_LOST.
 */
int vhd_boot_open(void *state, const struct vhd_source *source, int format,
		  void *window, size_t window_size, struct vhd_boot **out,
		  struct vhd_diag *diag);

/* Virtual size in bytes. */
uint64_t vhd_boot_disk_size(const struct vhd_boot *boot);

/* 512 or 4096. */
uint32_t vhd_boot_sector_size(const struct vhd_boot *boot);

/* Conditions met at open, a mask of enum vhd_condition. */
uint32_t vhd_boot_conditions(const struct vhd_boot *boot);

/* 1 if this image is differencing and has no parent attached yet. */
int vhd_boot_needs_parent(const struct vhd_boot *boot);

/*
 * The index-th name under which the parent may be found, as UTF-8 with '/'
 * separators, relative to the child's directory, NUL-terminated.
 *
 * Returns 0, VHD_E_NOENT when there is no such index, VHD_E_LIMIT when the
 * buffer is too small (256 bytes are plenty for names loaders meet), or a
 * read error. Names that are absolute, climb with "..", or cannot be expressed
 * are left out, so indexes count usable names.
 */
int vhd_boot_parent_path(struct vhd_boot *boot, unsigned index, char *buf,
			 size_t size);

/*
 * Joins child and parent. VHD_E_MISMATCH if the parent's identity is not the
 * one the child was made of or the sector sizes differ; VHD_E_LOOP if the
 * child is already below the parent; VHD_E_LIMIT past VHD_BOOT_DEPTH_MAX.
 */
int vhd_boot_set_parent(struct vhd_boot *child, struct vhd_boot *parent,
			struct vhd_diag *diag);

/*
 * Reads `len` bytes of the virtual disk at `offset` (any alignment).
 * VHD_E_RANGE past the end, VHD_E_PARENT if a parent is missing,
 * VHD_E_CORRUPT where the image's block table is damaged.
 */
int vhd_boot_read(struct vhd_boot *boot, uint64_t offset, void *buf,
		  size_t len);

/*
 * Where the bytes at `offset` lie: the longest run, at most `length` bytes,
 * that is stored in one way in one layer. PARENT never comes out of a
 * complete chain. With a dirty log, DATA offsets are those of the file after
 * replay: read through vhd_boot_read(), not around it.
 */
int vhd_boot_extent(struct vhd_boot *boot, uint64_t offset, uint64_t length,
		    struct vhd_extent *out);

#ifdef __cplusplus
}
#endif

#endif
