/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rights that a process gives up before it reads what strangers have made.
 * Each call takes more away, for good and for what is started later; none can
 * be undone. Call them before there are threads.
 *
 * Where the kernel cannot do something, that is left out: these are the second
 * line, behind a parser that checks. Where it can, but has no memory or no
 * descriptor now, the program ends with a message. Builds with sanitizers give
 * nothing up, since a sanitizer needs to see its own process.
 */
#ifndef TOOLS_CONFINE_H
#define TOOLS_CONFINE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

enum confine_right {
	CONFINE_READ,   /* files and folders */
	CONFINE_WRITE,  /* read and change files that are there */
	CONFINE_MAKE,   /* also make, replace and remove names */
	CONFINE_SOCKET, /* make and remove sockets */
};

/* A file, or a folder and all below it. */
struct confine_path {
	const char *path;
	enum confine_right right;
};

/*
 * No file but these can be opened or changed any more (Landlock); a path that
 * is not there counts for nothing. With count 0: none. Also: no program gains
 * rights by its set-user-id bit. True if the kernel enforces it.
 */
bool confine_files(const struct confine_path *paths, size_t count);

/* TCP: no connection to others, no new port for others. */
void confine_network(void);

/*
 * Gives up what root can do beyond other users, except to read and write
 * files; `all`: that too. The user stays: a file system in user space does not
 * serve another one than its own, not even what is open.
 */
void confine_privileges(bool all);

/* What system calls are left (seccomp); the others fail with EPERM. */
enum confine_calls {
	CONFINE_OPENING, /* reading files and opening them to read */
	CONFINE_READING, /* reading what is open, writing to what is open */
	CONFINE_SERVING, /* all but those no server needs */
};

void confine_calls(enum confine_calls left);

/*
 * What these call with an errno; it ends the program if that says that the host
 * has run out of something. The program may have a function of its own in the
 * place of that in confine_must.c.
 */
void confine_must(int err);

static inline bool confine_is_short(int err)
{
	return err == ENOMEM || err == EMFILE || err == ENFILE || err == EIO;
}

#endif
