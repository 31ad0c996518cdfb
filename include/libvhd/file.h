/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd_file: the one door to storage. Everything below an image goes through a
 * table of functions; a POSIX file is one implementation, memory, a slice of
 * another file and a read-only wrapper are others, and a caller may bring its
 * own (an image inside an archive, a remote store).
 *
 * A vhd_file may be used from many threads at once if its ops may; all that
 * are made here may. Reads and writes are complete or fail: there are no short
 * ones.
 */
#ifndef LIBVHD_FILE_H
#define LIBVHD_FILE_H

#include "error.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vhd_file;

/* What makes two open files the same file. Both zero: unknown. */
struct vhd_file_id {
	uint64_t device;
	uint64_t inode;
};

/* Locks on an image file, on the byte ranges that QEMU uses. */
enum vhd_lock {
	VHD_LOCK_NONE = 0,
	VHD_LOCK_SHARED = 1,    /* others may read, nobody writes */
	VHD_LOCK_EXCLUSIVE = 2, /* we write; nobody else opens it */
};

/*
 * An implementation. `size` is sizeof(struct vhd_file_ops) as the caller
 * knows it; members behind it count as NULL. Members marked optional may be
 * NULL. All return 0 or a negative VHD_E_*.
 */
struct vhd_file_ops {
	size_t size;
	/* fills buf completely; past the end is VHD_E_IO */
	int (*read_at)(void *ctx, uint64_t offset, void *buf, size_t len);
	int (*get_size)(void *ctx, uint64_t *size);
	/* frees ctx; optional */
	void (*close)(void *ctx);

	/* writes all of buf, extending the file if needed; optional:
	 * a file without it is read-only */
	int (*write_at)(void *ctx, uint64_t offset, const void *buf,
			size_t len);
	/* makes completed writes and the size durable; optional */
	int (*flush)(void *ctx);
	/* cuts, or extends with zeros; optional */
	int (*resize)(void *ctx, uint64_t size);
	/* makes a range read as zeros and gives its space back if it can;
	 * inside the file only; optional (zeros are written then) */
	int (*punch)(void *ctx, uint64_t offset, uint64_t length);

	/* the first run of stored bytes at or after offset: [*start, *end).
	 * *start = *end = file size if only holes follow. optional */
	int (*next_data)(void *ctx, uint64_t offset, uint64_t *start,
			 uint64_t *end);
	/* a descriptor where file offset and descriptor offset agree, for
	 * splice and copy_file_range, or -1; optional */
	int (*get_fd)(void *ctx);
	int (*get_id)(void *ctx, struct vhd_file_id *id); /* optional */
	/* changes the lock held to `lock`, without waiting; VHD_E_BUSY;
	 * optional */
	int (*set_lock)(void *ctx, enum vhd_lock lock);
	/* bytes allocated on the host; optional */
	int (*get_allocated)(void *ctx, uint64_t *bytes);
};

/* Flags for opening. */
#define VHD_FILE_WRITE (1u << 0) /* else read-only */

/*
 * Opens a regular file or block device by path (symbolic links followed). No
 * lock is taken. VHD_E_NOENT, _ACCESS, _READONLY, or VHD_E_INVALID for a FIFO,
 * socket, character device or directory; opening one never blocks.
 */
int vhd_file_open(const char *path, uint32_t flags, struct vhd_file **out,
		  struct vhd_diag *diag);

/*
 * Wraps a descriptor; the file owns it from here on, also on failure. Its
 * access mode must fit the flags.
 */
int vhd_file_open_fd(int fd, uint32_t flags, struct vhd_file **out,
		     struct vhd_diag *diag);

/*
 * A file in memory. `bytes` may be NULL for an empty one. With VHD_FILE_WRITE
 * the bytes are copied and the file may grow; without it they are used in
 * place and must outlive the file.
 */
int vhd_file_open_memory(const void *bytes, size_t len, uint32_t flags,
			 struct vhd_file **out);

/*
 * The range [offset, offset + length) of another file as a file of its own.
 * Owns `inner` on success. Cannot be resized.
 */
int vhd_file_open_slice(struct vhd_file *inner, uint64_t offset,
			uint64_t length, struct vhd_file **out);

/* `inner` without its write side. Owns `inner` on success. */
int vhd_file_open_readonly(struct vhd_file *inner, struct vhd_file **out);

/* A file of the caller's making. `ops` must outlive it; ctx goes to each. */
int vhd_file_new(const struct vhd_file_ops *ops, void *ctx,
		 struct vhd_file **out);

/* Closes and frees; NULL is fine. Does not flush. */
void vhd_file_close(struct vhd_file *file);

int vhd_file_read(struct vhd_file *file, uint64_t offset, void *buf,
		  size_t len);
int vhd_file_write(struct vhd_file *file, uint64_t offset, const void *buf,
		   size_t len);
int vhd_file_size(struct vhd_file *file, uint64_t *size);
int vhd_file_flush(struct vhd_file *file);
int vhd_file_resize(struct vhd_file *file, uint64_t size);

/* Zeros a range, by a hole where the host can, else by writing zeros. */
int vhd_file_punch(struct vhd_file *file, uint64_t offset, uint64_t length);

/* As the op of that name; a file without it is all data. */
int vhd_file_next_data(struct vhd_file *file, uint64_t offset, uint64_t *start,
		       uint64_t *end);

/* -1 if there is none. Stays owned by the file. */
int vhd_file_fd(struct vhd_file *file);

/* Zeros if unknown. */
int vhd_file_id(struct vhd_file *file, struct vhd_file_id *id);

/* Bytes on the host; the size if the file cannot tell. */
int vhd_file_allocated(struct vhd_file *file, uint64_t *bytes);

/*
 * Takes, changes or drops (VHD_LOCK_NONE) the lock. The lock belongs to the
 * open file, is dropped when it is closed or the process dies, and is never
 * waited for. Files that cannot be locked (memory, file systems without
 * locks) always succeed.
 */
int vhd_file_lock(struct vhd_file *file, enum vhd_lock lock);

/* True (1) if the file has a write side. */
int vhd_file_is_writable(const struct vhd_file *file);

#ifdef __cplusplus
}
#endif

#endif
