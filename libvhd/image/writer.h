/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The write side of an image.
 *
 * A write has two phases. begin() says where the bytes go and reserves what
 * that takes; the caller moves the data; commit() publishes the mapping in
 * memory, abort() forgets. So memory is never ahead of the data. Metadata
 * reaches the file on flush, in an order that each format's part keeps
 * (vhdx_write.c, vhd1_write.c).
 *
 * When the host is full. A commit that cannot write for want of space is taken
 * back: its pages are dirty again, and the next flush brings them out together
 * with what was changed since. The formats' parts are written so that a commit
 * may stop at any write and be followed by one that holds all its pages. What
 * is never tried again is a flush of the host that failed: nobody knows which
 * of the writes before it are lost.
 *
 * Locks: `mutex` guards space, changes of pages and the list of busy blocks;
 * it is not held while data moves. `flush_mutex` admits one flush at a time.
 * Overwriting what is present takes neither. Maintenance of an image in use
 * holds off all writers for moments (vhd_image_hold_writes()).
 */
#ifndef VHD_IMAGE_WRITER_H
#define VHD_IMAGE_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "epoch.h"
#include "hold.h"
#include "image.h"
#include "space.h"

/* Blocks being allocated at the same time; more wait. */
#define VHD_BUSY_MAX 32u

enum vhd_write_kind {
	VHD_WRITE_OVER,     /* in place, nothing to publish */
	VHD_WRITE_FILL,     /* in place, sectors become present */
	VHD_WRITE_ALLOCATE, /* into a new block */
};

/* One piece of a write, within what is stored in one way. */
struct vhd_write {
	uint64_t start;  /* of the disk */
	uint64_t length; /* may be less than asked for */
	uint64_t offset; /* in the file: write the data here */
	enum vhd_write_kind kind;
	unsigned epoch; /* token */
	uint64_t block;
	/* ALLOCATE */
	struct vhd_place place;
	uint64_t place_length;
	bool partial; /* only the written sectors become present */
	/* VHDX: a sector bitmap block that has to come with it */
	bool new_bitmap;
	struct vhd_place bitmap;
	/* file offset of the block's first bitmap byte, if bits change */
	uint64_t bits;
	bool ordered; /* data must be durable before the metadata */
	struct {
		uint64_t offset;
		uint64_t length;
	} pins[3];
	unsigned pin_count;
};

/* What a format does. All but commit and close hold the mutex. */
struct vhd_writer_ops {
	/* the first change of a session: what must precede it, durably */
	int (*start)(struct vhd_image *image);
	/* the block of w->start does not hold it yet: fills in the rest.
	 * VHD_E_LIMIT: write metadata out, then try again */
	int (*plan)(struct vhd_image *image, const struct vhd_block *block,
		    struct vhd_write *w);
	void (*publish)(struct vhd_image *image, const struct vhd_write *w);
	/* the file reaches at least to `end`, behind a place that was just
	 * taken at `place` */
	int (*grow)(struct vhd_image *image, uint64_t place, uint64_t end);
	/* makes a whole block read as zeros without storing it;
	 * VHD_E_UNSUPPORTED if the format or the parent does not allow it */
	int (*drop)(struct vhd_image *image, uint64_t block,
		    const struct vhd_block *b);
	/* differencing: lets the parent show through a whole block */
	int (*revert)(struct vhd_image *image, uint64_t block,
		      const struct vhd_block *b);
	/* makes completed writes and these pages durable. VHD_E_NOSPACE and
	 * VHD_E_NOMEM: comes again with at least these pages */
	int (*commit)(struct vhd_image *image, struct vhd_page_set *set,
		      bool ordered);
	/* everything is durable: leaves the file as other programs like it.
	 * VHD_E_NOSPACE and VHD_E_NOMEM: the session can go on */
	int (*close)(struct vhd_image *image);
	void (*free)(struct vhd_image *image);
};

struct vhdx_journal;
struct vhd1_tail;

struct vhd_writer {
	const struct vhd_writer_ops *ops;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	pthread_mutex_t flush_mutex;
	struct vhd_epoch epoch;
	struct vhd_space *space;
	uint64_t file_size;
	struct {
		uint64_t block;
		bool new_bitmap; /* its chunk's: nobody else may take one */
	} busy[VHD_BUSY_MAX];
	unsigned busy_count;
	bool ordered;      /* a published change needs its data durable first */
	bool alone;        /* nobody writes but who holds the mutex: packing */
	_Atomic bool held; /* writes wait; set with the mutex */
	pthread_t holder;  /* whose changes do not */
	_Atomic bool unsettled; /* memory says more than the file */
	_Atomic bool started;
	bool restart;               /* it was, but has to be once more */
	_Atomic int error;          /* what the file holds is in doubt since */
	_Atomic uint64_t requested; /* flushes */
	uint64_t done;
	/* the format's own */
	struct vhdx_journal *journal;
	struct vhd1_tail *tail;
};

extern const struct vhd_writer_ops vhdx_writer_ops;
extern const struct vhd_writer_ops vhd1_writer_ops;
extern const struct vhd_writer_ops vhd_linear_writer_ops;

/* Makes an opened image writable: takes stock of its space. */
int vhd_writer_new(struct vhd_image *image, struct vhd_diag *diag);
/* Frees; flushes nothing. */
void vhd_writer_free(struct vhd_image *image);

int vhd_image_write_begin(struct vhd_image *image, uint64_t offset,
			  uint64_t length, struct vhd_write *out);
int vhd_image_write_commit(struct vhd_image *image, struct vhd_write *w);
void vhd_image_write_abort(struct vhd_image *image, struct vhd_write *w);

/*
 * Calls `change` for a block that nobody is allocating, with the mutex; again
 * after a flush if it returns VHD_E_LIMIT. Not for linear maps.
 */
int vhd_image_change_block(struct vhd_image *image, uint64_t block,
			   int (*change)(struct vhd_image *image,
					 uint64_t block,
					 const struct vhd_block *b));

/* Durable when it returns: all writes committed before the call. */
int vhd_image_flush(struct vhd_image *image);

/* Begins the session as a first write would. */
int vhd_image_touch(struct vhd_image *image);

/* Bytes of metadata to be changed. */
struct vhd_patch {
	uint64_t offset; /* in the file */
	const void *bytes;
	size_t length;
};

/*
 * Changes metadata durably, by one commit of its own: a VHDX gets all of it or
 * nothing. What was written before is flushed first. VHD_E_LIMIT, and nothing
 * changed, if it touches more than VHD_PAGES_DIRTY_MAX pages.
 */
int vhd_image_patch(struct vhd_image *image, const struct vhd_patch *patches,
		    unsigned count);

/* Lets the end of the space fall back behind the last object in use. The file
 * must be cut there next; nothing may be about to be written. */
int vhd_image_find_end(struct vhd_image *image);

/*
 * Flush and clean close; the image takes no more writes. If the flush failed
 * for want of space or memory nothing has ended: try again.
 */
int vhd_image_shut(struct vhd_image *image);

/* Readers of a writable image stay between these two. */
static inline unsigned vhd_image_enter(struct vhd_image *image)
{
	return image->writer ? vhd_epoch_enter(&image->writer->epoch) : 0;
}

static inline void vhd_image_leave(struct vhd_image *image, unsigned token)
{
	if (image->writer)
		vhd_epoch_leave(&image->writer->epoch, token);
}

/* -- for the formats' parts -------------------------------------------------
 */

/*
 * The host's flush: all that was written is durable. If it fails, with whatever
 * error, the image is in doubt for good.
 */
int vhd_write_barrier(struct vhd_image *image);

/*
 * Passes rc on. If it is a failure, what the file says may be another thing
 * than what is known of it, so nothing more is written until the image is
 * opened again: of a structure that was being changed, say, with a size or a
 * place that may count already.
 */
int vhd_write_doubt(struct vhd_image *image, int rc);

/* With the mutex: space that is out of use goes back; its bytes go back to the
 * host. */
void vhd_write_reclaim(struct vhd_image *image);

/* Pins pages for w; VHD_E_LIMIT when there is no room. */
int vhd_write_pin(struct vhd_image *image, struct vhd_write *w, uint64_t offset,
		  uint64_t length);

/* With the mutex: a page was changed that says what is stored where. */
static inline void vhd_write_note_change(struct vhd_writer *w)
{
	atomic_store(&w->unsettled, true);
}

/* Undoes everything a plan reserved. */
void vhd_write_undo(struct vhd_image *image, struct vhd_write *w);

/* Takes space for w's block, cleared if it was used before. */
int vhd_write_take(struct vhd_image *image, uint64_t length,
		   struct vhd_place *out);

/* Sets `count` bits from `first` of a bitmap, in pinned pages. */
void vhd_write_bits(struct vhd_image *image, uint64_t base, uint64_t first,
		    uint64_t count);

#endif
