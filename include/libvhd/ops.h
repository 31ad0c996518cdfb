/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on whole disks. Each reports progress to a vhd_job, can be
 * cancelled through it, and leaves no half-made file behind.
 */
#ifndef LIBVHD_OPS_H
#define LIBVHD_OPS_H

#include "disk.h"
#include "job.h"

#ifdef __cplusplus
extern "C" {
#endif

/* -- create --------------------------------------------------------------- */

/* replace an existing file */
#define VHD_CREATE_FORCE (1u << 0)
/* VHD for Azure: fixed, whole MiB, creator fields as Windows writes them */
#define VHD_CREATE_AZURE (1u << 1)
/* take the host's space now for all blocks (fixed, or a dynamic image whose
 * blocks are all present) */
#define VHD_CREATE_PREALLOCATE (1u << 2)
/* `id` and `timestamp` are given; VHDX write GUIDs follow from `id`, so that
 * equal options give equal bytes */
#define VHD_CREATE_FIXED_ID (1u << 3)

struct vhd_create_options {
	size_t size;    /* sizeof(struct vhd_create_options) */
	uint32_t flags; /* VHD_CREATE_* */
	int format;     /* VHD_FORMAT_VHD or _VHDX */
	int type;       /* enum vhd_type; 0: dynamic, or differencing with a
			   parent */
	uint64_t virtual_size; /* 0 with a parent: the parent's */
	uint32_t block_size;   /* 0: 2 MiB. VHDX 1 MiB to 256 MiB; VHD 512 KiB
				  or 2 MiB */
	uint32_t logical_sector_size;  /* 0: 512, or the parent's */
	uint32_t physical_sector_size; /* VHDX; 0: 4096, or the parent's */
	uint64_t reserve; /* leave room in the block table to grow to this */
	struct vhd_guid id;
	int64_t timestamp; /* Unix time, VHD */
	/* differencing: the opened parent and the path the child names it by
	 * (relative to the child's folder) */
	struct vhd_disk *parent;
	const char *parent_name;
};

/*
 * Creates an image at `path`, complete and durable or not at all. The new
 * disk reads as zeros, or as its parent. VHD_E_INVALID for options the format
 * does not allow, with a sentence; VHD_E_EXISTS; VHD_E_NOSPACE.
 */
int vhd_create(const char *path, const struct vhd_create_options *options,
	       struct vhd_diag *diag);

/* -- convert -------------------------------------------------------------- */

enum vhd_reflink {
	VHD_REFLINK_AUTO = 0,   /* share extents where the host can */
	VHD_REFLINK_ALWAYS = 1, /* or fail */
	VHD_REFLINK_NEVER = 2,
};

/* compress the output (zlib); for streams and raw files */
#define VHD_CONVERT_GZIP (1u << 0)
/* replace an existing file */
#define VHD_CONVERT_FORCE (1u << 1)
/* open the result, over its parent if it has one, and compare */
#define VHD_CONVERT_VERIFY (1u << 2)
/* build the file under the name PATH.partial, which stays after a failure, and
 * go on with one that is there */
#define VHD_CONVERT_RESUME (1u << 3)

struct vhd_convert_options {
	size_t size;    /* sizeof(struct vhd_convert_options) */
	uint32_t flags; /* VHD_CONVERT_* */
	int format;     /* output; 0: raw */
	int reflink;    /* enum vhd_reflink */
	unsigned jobs;  /* requests in flight; 0: a good number */
	/* output VHD or VHDX: how it is created; format, virtual size (0: the
	 * source's), flags and parent included. With a parent only what differs
	 * from it is stored. NULL: defaults. */
	const struct vhd_create_options *create;
};

/*
 * Writes the whole disk to a new file at `path`, or to a stream if path is
 * "-" (descriptor 1). A file is written without a name or under a temporary
 * one, flushed, and named when complete: after any failure or kill, `path` is
 * what it was. Ranges that read as zeros become holes.
 *
 * With VHD_CONVERT_RESUME a failed, killed or cut-off conversion leaves
 * PATH.partial, and the same call goes on with it: what it holds is compared
 * with the disk, and what differs is written. At most some 32 MiB before the
 * interruption have to be copied again, after a power cut a little more. Not
 * for streams, devices and compressed output (VHD_E_INVALID). VHD_E_MISMATCH if
 * the partial file was begun with other options; VHD_E_BUSY if another program
 * works on it.
 *
 * VHD_E_EXISTS without VHD_CONVERT_FORCE; VHD_E_NOSPACE; VHD_E_UNSUPPORTED
 * where reflink ALWAYS cannot be met; VHD_E_MISMATCH if verifying fails.
 */
int vhd_convert(struct vhd_disk *disk, const char *path,
		const struct vhd_convert_options *options, struct vhd_job *job,
		struct vhd_diag *diag);

/* -- measure --------------------------------------------------------------- */

struct vhd_measure {
	uint64_t required;        /* bytes of the output file */
	uint64_t fully_allocated; /* if every block were stored */
};

/* What vhd_convert() with these options would write. Reads no data. */
int vhd_measure(struct vhd_disk *disk,
		const struct vhd_convert_options *options,
		struct vhd_measure *out, struct vhd_diag *diag);

/* -- hash ----------------------------------------------------------------- */

/* Digests of one pass over a disk or file. */
struct vhd_digest {
	const char *algorithm; /* in: an OpenSSL name, "sha256" */
	char hex[129];         /* out: lower-case */
};

/* VHD_E_UNSUPPORTED for an unknown algorithm or a build without OpenSSL. */
int vhd_hash(struct vhd_disk *disk, struct vhd_digest *digests, size_t count,
	     struct vhd_job *job, struct vhd_diag *diag);

/* The same over the bytes of a file. */
int vhd_hash_file(struct vhd_file *file, struct vhd_digest *digests,
		  size_t count, struct vhd_job *job, struct vhd_diag *diag);

/* -- compare -------------------------------------------------------------- */

struct vhd_compare_result {
	int equal;                 /* 1 or 0 */
	uint64_t first_difference; /* disk offset; the shorter disk's size if
				      only the tail differs */
};

/*
 * Compares the content of two disks. Where one is larger, the rest must be
 * zeros to count as equal.
 */
int vhd_compare(struct vhd_disk *a, struct vhd_disk *b,
		struct vhd_compare_result *out, struct vhd_job *job,
		struct vhd_diag *diag);

/* -- check ---------------------------------------------------------------- */

/* Adds the chain to vhd_image_check(): parents found, identities, loops. */
#define VHD_CHECK_PARENTS (1u << 0) /* look for parents (leaf only checked) */
#define VHD_CHECK_CHAIN   (1u << 1) /* check each layer as well */

struct vhd_check_result {
	uint64_t errors;      /* faults of severity ERROR */
	uint64_t corruptions; /* faults of severity CORRUPT */
	uint64_t leaks;       /* bytes of file nothing refers to */
	uint64_t end;         /* file offset behind the last object */
	unsigned layers;      /* checked */
};

/* As vhd_fault_fn, with the layer's path. */
typedef void vhd_check_fn(void *ctx, const char *path,
			  const struct vhd_fault *fault);

/*
 * Checks the image at `path`. Returns 0 when the check could be done,
 * whatever it found.
 */
int vhd_check(const char *path, const struct vhd_disk_options *options,
	      uint32_t flags, vhd_check_fn *fault, void *ctx,
	      struct vhd_check_result *out, struct vhd_diag *diag);

/* -- merge ---------------------------------------------------------------- */

/* remove the files that are merged, when all is durable */
#define VHD_MERGE_DELETE (1u << 0)
/* even if other images are known to depend on a layer that changes */
#define VHD_MERGE_IGNORE_CHILDREN (1u << 1)

struct vhd_merge_options {
	size_t size;    /* sizeof(struct vhd_merge_options) */
	uint32_t flags; /* VHD_MERGE_* */
	int reflink;    /* enum vhd_reflink */
	unsigned jobs;  /* requests in flight; 0: a good number */
	/* the ancestor to be merged into; NULL: the parent */
	const char *into;
	/* vhd_merge_disk(): the uppermost image to be merged; NULL: the one
	 * beneath the leaf */
	const char *from;
};

/*
 * Merges the differencing image at `path`, and every image between, into an
 * ancestor, in one pass: each stored range is copied once, from where the chain
 * shows it. Afterwards the ancestor has the size and the content of the child,
 * and a VHDX its DataWriteGuid too, so that children of the child go on with it
 * as parent; those in the child's folder are changed to name it. The ancestor's
 * disk id stays (VHD), or becomes the child's, which is normally the same
 * (VHDX). `open` says how the chain is found (format, parent, parent_roots);
 * its flags are not looked at. vhd.md 16.6, vhdx.md 14.6
 *
 * The ancestor is written in place: no space is needed but what it gains. After
 * a failure, a cancellation or a crash at any moment the child shows what it
 * showed, and calling again completes the merge. VHD_MERGE_DELETE removes the
 * child last; while it removes several files, PATH.merged beside the child says
 * which.
 *
 * VHD_E_INVALID if the image has no parent or does not descend from `into`;
 * VHD_E_BUSY if any image from child to ancestor is in use; VHD_E_CHILDREN if
 * an image beside them depends on one of those in between or on the ancestor;
 * VHD_E_MISMATCH, _PARENT, _LOOP as vhd_disk_open(); VHD_E_READONLY for a
 * suspended machine; VHD_E_NOSPACE, before anything is changed where the host
 * can tell.
 */
int vhd_merge(const char *path, const struct vhd_disk_options *open,
	      const struct vhd_merge_options *options, struct vhd_job *job,
	      struct vhd_diag *diag);

/*
 * Merges images in the middle of the chain of a disk that is in use: `from` and
 * those between into the ancestor `into`. Other threads go on as in
 * vhd_compact_disk() with VHD_COMPACT_LIVE; they wait only while layers are
 * exchanged. Afterwards the image above `from` has `into` as parent, durably,
 * and the merged images are no layers any more: what was returned for layers by
 * vhd_disk_image() and vhd_disk_path() is old. VHD_MERGE_DELETE removes their
 * files; a failure to do so is reported, but all else is done then.
 *
 * A failure, a cancellation or a crash at any moment leaves the disk with its
 * content, and, but for the failures just named, with its layers; calling again
 * completes the merge, and so does vhd_merge().
 *
 * Errors as vhd_merge(), VHD_E_INVALID for the leaf itself and VHD_E_READONLY
 * if the disk does not take writes.
 */
int vhd_merge_disk(struct vhd_disk *disk,
		   const struct vhd_merge_options *options, struct vhd_job *job,
		   struct vhd_diag *diag);

/* -- rebase --------------------------------------------------------------- */

/* do not compare: the caller knows that the new parent shows the same */
#define VHD_REBASE_UNSAFE (1u << 0)

struct vhd_rebase_options {
	size_t size;        /* sizeof(struct vhd_rebase_options) */
	uint32_t flags;     /* VHD_REBASE_* */
	unsigned jobs;      /* requests in flight; 0: a good number */
	const char *parent; /* path of the new one */
};

/*
 * Gives the differencing image at `path` another parent, of the same format and
 * sector size. What the old parent shows and the new one does not is copied
 * into the image first; what is the same, or stored in the same file of both
 * chains, is not. Identities do not change. `open` says how the old parent is
 * found (format, parent, parent_roots); its flags are not looked at.
 *
 * In place; after a failure, a cancellation or a crash at any moment the image
 * has its old parent or the new one, and shows the same. Calling again
 * completes it.
 *
 * VHD_E_LOOP if the image would become its own ancestor; VHD_E_PARENT or
 * _MISMATCH without VHD_REBASE_UNSAFE if the old parent is not there;
 * VHD_E_INVALID; VHD_E_BUSY; VHD_E_NOSPACE.
 */
int vhd_rebase(const char *path, const struct vhd_disk_options *open,
	       const struct vhd_rebase_options *options, struct vhd_job *job,
	       struct vhd_diag *diag);

/* -- set ------------------------------------------------------------------ */

#define VHD_SET_ID              (1u << 0) /* to `id` */
#define VHD_SET_NEW_ID          (1u << 1) /* to a random one */
#define VHD_SET_CREATOR         (1u << 2) /* VHD only */
#define VHD_SET_PHYSICAL_SECTOR (1u << 3) /* VHDX only */
/* even if images beside it have this one as parent, else VHD_E_CHILDREN */
#define VHD_SET_IGNORE_CHILDREN (1u << 4)
#define VHD_SET_PARENT_PATH     (1u << 5) /* to `parent_name` */
#define VHD_SET_METADATA        (1u << 6) /* VHDX only */

/* A user metadata item to be set, or removed. */
struct vhd_metadata_change {
	struct vhd_guid id;
	const void *bytes; /* NULL: remove it, VHD_E_NOENT if there is none */
	uint32_t length;   /* at most 1 MiB */
};

struct vhd_set_options {
	size_t size;    /* sizeof(struct vhd_set_options) */
	uint32_t flags; /* which of the following to set */
	int format;
	struct vhd_guid id;
	const char *creator; /* one to four characters */
	uint32_t physical_sector_size;
	/* where the parent lies, relative to the image's folder, '/' between
	 * components; see vhd_relative_path() */
	const char *parent_name;
	const struct vhd_metadata_change *metadata;
	size_t metadata_count;
};

/*
 * Changes properties of an image, durably, each by itself. A new id of a VHD
 * orphans its children; any change of a VHDX but that of the parent's path does
 * (its DataWriteGuid changes, as the format demands). A new parent path drops
 * every other path that is stored; the identity that the parent must have
 * stays, and nobody looks for it. VHD_E_UNSUPPORTED for a property the format
 * does not have; VHD_E_BUSY; VHD_E_INVALID.
 */
int vhd_set(const char *path, const struct vhd_set_options *options,
	    struct vhd_diag *diag);

/* -- resize --------------------------------------------------------------- */

/* even if what is cut off holds data */
#define VHD_RESIZE_FORCE (1u << 0)

struct vhd_resize_options {
	size_t size;    /* sizeof(struct vhd_resize_options) */
	uint32_t flags; /* VHD_RESIZE_* */
};

/*
 * Where the content of [from, to) of a disk ends: behind its last byte that is
 * not zero, or `from` if there is none. Searched from behind, so that it takes
 * no longer than the zeros behind it. Holes are not read. VHD_E_RANGE,
 * VHD_E_CANCELED.
 */
int vhd_used_end(struct vhd_disk *disk, uint64_t from, uint64_t to,
		 uint64_t *end, struct vhd_job *job, struct vhd_diag *diag);

/*
 * vhd_disk_resize(), but never cuts off data: VHD_E_DATA, unless FORCE is
 * given. `disk` is open for writing. Progress and cancel are for the search;
 * once the size begins to change it is changed (blocks in the way of a longer
 * table are few). options may be NULL.
 */
int vhd_resize(struct vhd_disk *disk, uint64_t size,
	       const struct vhd_resize_options *options, struct vhd_job *job,
	       struct vhd_diag *diag);

/* -- compact -------------------------------------------------------------- */

/* let go of blocks that read as zeros, and of zeros inside other blocks where
 * the host file can have holes */
#define VHD_COMPACT_ZEROES (1u << 0)
/* differencing: let go of blocks that hold what the parent shows anyway */
#define VHD_COMPACT_PARENT_EQUAL (1u << 1)
/* only let go, move nothing: `trim` */
#define VHD_COMPACT_NO_MOVE (1u << 2)
/* change nothing, say what would be gained */
#define VHD_COMPACT_DRY_RUN (1u << 3)
/* use `unused` even if other images have this one as parent */
#define VHD_COMPACT_IGNORE_CHILDREN (1u << 4)
/* vhd_compact_disk(): others read and write the disk meanwhile */
#define VHD_COMPACT_LIVE (1u << 5)

/* A range of the disk, in bytes. */
struct vhd_disk_range {
	uint64_t start;
	uint64_t length;
};

struct vhd_compact_options {
	size_t size;    /* sizeof(struct vhd_compact_options) */
	uint32_t flags; /* VHD_COMPACT_* */
	int format;     /* for vhd_compact() */
	unsigned jobs; /* blocks looked at at the same time; 0: a good number */
	/* what the guest's file systems do not use: whole sectors, in rising
	 * order, none overlapping. Its content is lost. */
	const struct vhd_disk_range *unused;
	size_t unused_count;
};

struct vhd_compact_result {
	/* bytes of the file, and of these on the host. A dry run foresees the
	 * file's size within one block; the host's is an estimate, which knows
	 * nothing of space that was lost before. */
	uint64_t file_before;
	uint64_t file_after;
	uint64_t host_before;
	uint64_t host_after;
	/* blocks let go: because they read as zeros, because no file system
	 * uses what is not zeros in them, because they equal the parent */
	uint64_t zero_blocks;
	uint64_t unused_blocks;
	uint64_t parent_blocks;
	/* blocks that might have gone, but this image cannot let go of any: it
	 * has a XenServer batmap. They are emptied as far as the host can. */
	uint64_t held_blocks;
	uint64_t punched_bytes; /* holes made inside blocks that stay */
	uint64_t moved_blocks;
	uint64_t moved_bytes;
};

/*
 * Gives back, in place, space that an image need not take: blocks that need not
 * be stored go, then blocks move to the front and the file is cut. The image
 * keeps all its ids, and its content, but for what `unused` says; so its
 * children go on working. vhd.md 16.5, vhdx.md 14.7
 *
 * With `unused`, an image with children (vhd_find_children()) is refused,
 * VHD_E_CHILDREN: a child may not store what this image holds in such a range.
 * In a differencing VHD, whose blocks cannot be zeros without being stored, a
 * block that is unused as a whole shows the parent's again.
 *
 * Needs no space on the host. A crash, a kill or vhd_job_cancel() at any time
 * leaves an image with the same content; running it again goes on. Progress
 * counts bytes looked at and moved.
 *
 * VHD_E_UNSUPPORTED for an image of fixed size and a raw file; errors of a
 * writable open. *out is filled after VHD_E_CANCELED too.
 */
int vhd_compact(const char *path, const struct vhd_compact_options *options,
		struct vhd_compact_result *out, struct vhd_job *job,
		struct vhd_diag *diag);

/*
 * The same for an open disk, whose leaf is compacted: open for writing with
 * VHD_DISK_SAME_CONTENT, or in any way for a dry run. Nobody may use the disk
 * meanwhile. Ends writing, as vhd_disk_shut().
 *
 * With VHD_COMPACT_LIVE the disk stays open, and in use by other threads: by
 * vhd_queue or with any call that reads, writes, zeroes, discards or flushes.
 * Their reads go on; their writes wait for moments, while a few blocks move.
 * It goes on only when requests that have begun are over, completions of queues
 * taken included: call it from a thread of its own. What is written meanwhile
 * may keep the file from being as short as it could be. No `unused`, no dry
 * run; one change of the disk's structure at a time (this, vhd_disk_resize(),
 * vhd_merge_disk(), hand-over).
 */
int vhd_compact_disk(struct vhd_disk *disk,
		     const struct vhd_compact_options *options,
		     struct vhd_compact_result *out, struct vhd_job *job,
		     struct vhd_diag *diag);

/* -- repair --------------------------------------------------------------- */

/* say what would be done, change nothing */
#define VHD_REPAIR_DRY_RUN (1u << 0)
/* also mend what cannot be read any more, which may lose it for good */
#define VHD_REPAIR_SALVAGE (1u << 1)
/* replace an existing backup file */
#define VHD_REPAIR_FORCE (1u << 2)

struct vhd_repair_options {
	size_t size;    /* sizeof(struct vhd_repair_options) */
	uint32_t flags; /* VHD_REPAIR_* */
	int format;     /* VHD_FORMAT_VHD or _VHDX */
	/* bytes of the disk, where salvage of a VHD finds neither of its
	 * footers; 0: not known, and such an image is refused */
	uint64_t virtual_size;
	/* A file that keeps the bytes the repair changes, durable before they
	 * change, for vhd_restore(). It appears with the first change.
	 * NULL: none; ignored by a dry run. */
	const char *backup;
	/* what vhd_image_check() finds in the file afterwards, of a dry run
	 * too, with the ctx of `mended`; NULL: do not look */
	vhd_check_fn *left;
};

/*
 * Mends an image in place. Without VHD_REPAIR_SALVAGE only what loses nothing:
 * a footer or footer copy from the other one, header slots, region table
 * copies, a log to be replayed or discarded, leaked space, entries and flags
 * without a meaning. With it, damaged entries of the block table as well, and
 * structures of a VHD without a copy. docs/design.md, "Repair", has the list.
 *
 * Each thing mended goes to `mended`, with the range of the disk that is lost,
 * if any. What cannot be mended is left as it is, for vhd_check() to name; it
 * is no error. A crash in the middle is mended by running it again.
 *
 * Takes an exclusive lock (dry run: a shared one). Errors: those of opening;
 * VHD_E_BUSY; VHD_E_READONLY for a VHD with a saved state; VHD_E_UNSUPPORTED
 * for an encrypted VHD and one with unknown features; VHD_E_EXISTS for the
 * backup; VHD_E_LIMIT if a dry run would need too much memory; and VHD_E_FORMAT
 * or VHD_E_CORRUPT for an image that does not open, which stays as it is.
 */
int vhd_repair(const char *path, const struct vhd_repair_options *options,
	       vhd_check_fn *mended, void *ctx, struct vhd_diag *diag);

/*
 * Gives the image at `path` back the bytes and the size that a backup of
 * vhd_repair() keeps. The backup is checked completely before the first change.
 * Takes an exclusive lock. A crash in the middle is mended by running it again.
 * VHD_E_FORMAT or VHD_E_CORRUPT for a bad backup, with diag->path naming it.
 */
int vhd_restore(const char *path, const char *backup, struct vhd_diag *diag);

#ifdef __cplusplus
}
#endif

#endif
