/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How programs shut themselves in with the images they work on: a parser that
 * an image took over finds nothing to read but what belongs to that image. See
 * confine.h for what that takes.
 */
#ifndef TOOLS_CONFINE_IMAGE_H
#define TOOLS_CONFINE_IMAGE_H

#include "open.h"

/*
 * A command that only reads, before the first byte. What is left is to read
 * files where parents of these images may lie: their folders, that of a parent
 * that is named, the parent roots. `written` is a file that the command will
 * make, or NULL.
 */
void confine_reader(const char *const *images, size_t count,
		    const struct open_options *options, const char *written);

/* When all is open: no other file, no rights of root's. */
void confine_reader_opened(void);

/*
 * A server of one image for all its life, which it may close and open again:
 * beside what a reader may do it changes the image, unless it is `read_only`.
 * `socket` is one that it makes and removes, or NULL.
 */
void confine_server(const char *image, const struct open_options *options,
		    bool read_only, const char *socket);

#endif
