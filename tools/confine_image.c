/* SPDX-License-Identifier: BSD-2-Clause */
#include "confine_image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "confine.h"
#include "memory.h"

struct paths {
	struct confine_path *items;
	size_t count;
};

static bool makes_a_file; /* then its folder stays as it is */

static void add(struct paths *p, const char *path, enum confine_right right)
{
	p->items = tool_must(
		realloc(p->items, (p->count + 1) * sizeof(*p->items)));
	p->items[p->count++] = (struct confine_path){
		tool_must(strdup(path)),
		right,
	};
}

/* "." for a name alone */
static char *folder_of(const char *path)
{
	char *folder = tool_must(strdup(path));
	char *slash = strrchr(folder, '/');

	if (!slash) {
		free(folder);
		return tool_must(strdup("."));
	}
	slash[slash == folder] = '\0';
	return folder;
}

static void add_folder_of(struct paths *p, const char *path,
			  enum confine_right right)
{
	char *folder = folder_of(path);

	add(p, folder, right);
	free(folder);
}

/*
 * An image: itself, and the folder that its parents are looked for in, which
 * is that of the file that a link leads to. A device has no parents.
 */
static void add_image(struct paths *p, const char *image,
		      enum confine_right right)
{
	char *real = realpath(image, NULL);
	struct stat st;

	if (!real)
		return;
	add(p, real, right);
	if (!stat(real, &st) && S_ISREG(st.st_mode))
		add_folder_of(p, real, CONFINE_READ);
	free(real);
}

static void add_parents(struct paths *p, const struct open_options *options)
{
	if (options->parent)
		add_image(p, options->parent, CONFINE_READ);
	for (size_t i = 0; i < options->parent_roots.count; i++)
		add(p, options->parent_roots.items[i], CONFINE_READ);
}

/* No file but these, nobody on the network, little of what root can do. */
static void enter(struct paths *p)
{
	tzset(); /* reads a file */
	confine_privileges(false);
	confine_files(p->items, p->count);
	confine_network();
	for (size_t i = 0; i < p->count; i++)
		free((char *)(uintptr_t)p->items[i].path);
	free(p->items);
}

void confine_reader(const char *const *images, size_t count,
		    const struct open_options *options, const char *written)
{
	struct paths p = {0};

	for (size_t i = 0; i < count; i++)
		add_image(&p, images[i], CONFINE_READ);
	add_parents(&p, options);
	if (written)
		add_folder_of(&p, written, CONFINE_MAKE);
	makes_a_file = written != NULL;
	enter(&p);
	if (!written)
		confine_calls(CONFINE_OPENING);
}

void confine_reader_opened(void)
{
	if (makes_a_file)
		return;
	confine_files(NULL, 0);
	confine_privileges(true);
	confine_calls(CONFINE_READING);
}

void confine_server(const char *image, const struct open_options *options,
		    bool read_only, const char *socket)
{
	/* of the C library, which loads parts of itself when it needs them */
	static const char *const libraries[] = {"/lib", "/lib64", "/usr/lib"};
	struct paths p = {0};

	add_image(&p, image, read_only ? CONFINE_READ : CONFINE_WRITE);
	add_parents(&p, options);
	if (socket)
		add_folder_of(&p, socket, CONFINE_SOCKET);
	add(&p, "/dev/null", CONFINE_WRITE);
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		add(&p, libraries[i], CONFINE_READ);
	enter(&p);
	confine_calls(CONFINE_SERVING);
}
