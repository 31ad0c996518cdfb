/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that boot-install puts into a system, and a note that tells which of
 * them are its own:
 *
 *	folder PATH              was not there, or is ours by another note
 *	note                     the note itself; its folders stand above
 *	file FINGERPRINT PATH    was not there
 *	word TEXT                something the caller has to remember
 *
 * Paths are relative to a base, where the system or the EFI system partition is
 * mounted. The note is written before the files, and deleted after them: what
 * it tells of need not be there. A file that has changed since is somebody
 * else's by now and stays; so does a folder that is not empty.
 */
#ifndef TOOLS_BOOTPLAN_H
#define TOOLS_BOOTPLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* where notes are in a system */
#define BOOT_NOTE_FOLDER "var/lib/vhdtool"

struct boot_step;

struct boot_plan {
	const char *base; /* as are all texts here: the caller's */
	char *note;
	char *others; /* what is in the notes beside it */
	struct boot_step *steps;
	size_t count;
};

/* The note is a file below the base. free with boot_plan_free(). */
void boot_plan_begin(struct boot_plan *plan, const char *base,
		     const char *note);
/* The same; the note's folder is somebody else's, and there in time. */
void boot_plan_begin_inside(struct boot_plan *plan, const char *base,
			    const char *note);
void boot_plan_free(struct boot_plan *plan);

/*
 * Plans a file and the folders above it that are not there. One that is there
 * with the same content is used as it is, and never taken away; with another
 * content it is an error (enum tool_exit, printed).
 */
int boot_plan_file(struct boot_plan *plan, const char *path, const char *bytes,
		   size_t length, bool program);
void boot_plan_word(struct boot_plan *plan, const char *text);

/* True if there is nothing to be made. */
bool boot_plan_is_empty(const struct boot_plan *plan);

/* Says on stdout what would be made. */
void boot_plan_tell(const struct boot_plan *plan);

/* Does it, or nothing. Returns an enum tool_exit, failures printed. */
int boot_plan_apply(const struct boot_plan *plan);

/* -- what was planned once ---------------------------------------------------
 */

/* The text after `word TEXT` that begins with `start`, or NULL; free() it. */
char *boot_note_word(const char *base, const char *note, const char *start);

/*
 * Takes away what the note tells of, and the note; says what, if `dry_run`.
 * Returns an enum tool_exit, failures printed.
 */
int boot_note_undo(const char *base, const char *note, bool dry_run);

#endif
