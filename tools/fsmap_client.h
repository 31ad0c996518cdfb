/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the file systems inside a disk do not use: runs vhd-fsmap, a program of
 * its own without rights, and reads its answer.
 *
 * The helper is looked for beside this program, then in the folder it was
 * installed to; the variable VHD_FSMAP names another one.
 */
#ifndef TOOLS_FSMAP_CLIENT_H
#define TOOLS_FSMAP_CLIENT_H

#include <libvhd.h>

#include "fsmap_parse.h"
#include "open.h"

/*
 * Asks about the disk that was opened from `path` with these options, which may
 * be locked and open for writing: the helper takes no locks. It reads the file,
 * so what was written must have been flushed, and nothing may be written until
 * this returns. Unused ranges shorter than `at_least` bytes are left out; 0
 * gives all. Not for a disk that came from standard input.
 *
 * Returns an enum tool_exit, failures printed. An answer that is not complete,
 * or does not fit the disk, is a failure. Free *out with fsmap_free().
 */
int fsmap_get(struct vhd_disk *disk, const char *path,
	      const struct open_options *options, uint64_t at_least,
	      struct fsmap *out);

/* The same for partitions and types of file systems alone: no ranges. `path` is
 * that of a layer of the disk. */
int fsmap_list(struct vhd_disk *disk, unsigned layer, const char *path,
	       const struct open_options *options, struct fsmap *out);

/* False if the helper is not installed; the others fail then. */
bool fsmap_is_there(void);

/* The bytes of all ranges. */
uint64_t fsmap_total(const struct fsmap_ranges *ranges);

/*
 * What to call it in a message: `partition 2 (ext4 "root")`, `partition 3`,
 * `the disk (ntfs)`, `the disk`. It holds names from the disk: escape() it, as
 * diag.h does of itself. free() it.
 */
char *fsmap_fs_text(const struct fsmap_fs *fs);

/*
 * Why its free space is left alone, as a phrase that follows its name: "was not
 * closed cleanly". "" if it is not. Static.
 */
const char *fsmap_state_text(enum fsmap_state state);

#endif
