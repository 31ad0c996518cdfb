/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool serve: becomes the program that serves the image, nbdkit with our
 * plugin or vhd-vhost-user-blk. What is wrong with the image they say.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "format.h"
#include "helper.h"
#include "open.h"
#include "socketfile.h"

static struct {
	struct open_options open;
	const char *nbd;
	const char *vhost;
	bool read_only;
	unsigned queues;
	unsigned wait;
} opt = {.queues = 1};

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "nbd",
	 .kind = OPTION_TEXT,
	 .target = &opt.nbd,
	 .argument = "SOCKET|PORT",
	 .help = "over NBD, by nbdkit: on a Unix socket, or on a\n"
		 "port of this host, not to be reached from others"},
	{.name = "vhost-user-blk",
	 .kind = OPTION_TEXT,
	 .target = &opt.vhost,
	 .argument = "SOCKET",
	 .help = "to a virtual machine monitor on this host"},
	{.name = "read-only",
	 .letter = 'r',
	 .kind = OPTION_FLAG,
	 .target = &opt.read_only,
	 .help = "not a byte of any file is changed"},
	{.name = "queues",
	 .kind = OPTION_COUNT,
	 .target = &opt.queues,
	 .argument = "N",
	 .help = "vhost-user-blk: at most so many queues; default: 1"},
	{.name = "wait",
	 .kind = OPTION_COUNT,
	 .target = &opt.wait,
	 .argument = "SECONDS",
	 .help = "begin while another host has the image, and wait\n"
		 "so long for it when a request comes"},
	OPEN_CHILDREN_OPTION(opt.open),
	{.name = "parent",
	 .kind = OPTION_TEXT,
	 .target = &opt.open.parent,
	 .argument = "PATH",
	 .help = "the image's parent"},
	OPEN_ROOT_OPTION(opt.open),
	{0},
};

static char *text_of(const char *name, const char *value)
{
	char *text;

	if (asprintf(&text, "%s%s", name, value) < 0)
		abort();
	return text; /* kept: this process becomes another */
}

static const char *number(unsigned n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	return text_of("", text);
}

/* does not return if all is well */
static int become(const char *image, const char *program,
		  const struct helper_arguments *a, const char *hint)
{
	/* the interface lacks a const; nothing is changed */
	execvp(program, (char *const *)(uintptr_t)a->items);
	diag_error(image, "cannot be served: %s: %s", program, strerror(errno));
	if (errno == ENOENT)
		diag_hint("%s", hint);
	return TOOL_FAILED;
}

/* -- NBD ---------------------------------------------------------------------
 */

static bool is_port(const char *text)
{
	return text[0] && !text[strspn(text, "0123456789")];
}

/* beside us where we were built; else nbdkit knows where */
static const char *find_plugin(void)
{
	char *path =
		helper_find("../lib/nbdkit-vhd-plugin.so", "VHD_NBDKIT_PLUGIN");

	return path ? path : "vhd";
}

static int serve_nbd(const char *image)
{
	struct helper_arguments a = {0};

	helper_add(&a, "nbdkit");
	helper_add(&a, "--foreground");
	if (is_port(opt.nbd)) {
		helper_add_value(&a, "--ipaddr", "localhost");
		helper_add_value(&a, "--port", opt.nbd);
	} else {
		/* nbdkit leaves it behind, and does not like to find it */
		if (socketfile_is_dead(opt.nbd))
			unlink(opt.nbd);
		helper_add_value(&a, "--unix", opt.nbd);
	}
	if (opt.read_only)
		helper_add(&a, "--readonly");
	helper_add(&a, find_plugin());
	helper_add(&a, text_of("file=", image));
	helper_add(&a, "confine=true");
	helper_add(&a, "stay=true");
	if (opt.open.format)
		helper_add(&a,
			   text_of("format=", format_name(opt.open.format)));
	if (opt.open.parent)
		helper_add(&a, text_of("parent=", opt.open.parent));
	for (size_t i = 0; i < opt.open.parent_roots.count; i++)
		helper_add(&a, text_of("parent-root=",
				       opt.open.parent_roots.items[i]));
	if (opt.open.ignore_children)
		helper_add(&a, "ignore-children=true");
	if (opt.wait)
		helper_add(&a, text_of("wait=", number(opt.wait)));
	return become(image, "nbdkit", &a,
		      "install nbdkit: apt-get install nbdkit");
}

/* -- vhost-user-blk ----------------------------------------------------------
 */

static int serve_vhost(const char *image)
{
	char *program = helper_find("vhd-vhost-user-blk", "VHD_VHOST_USER_BLK");
	struct helper_arguments a = {0};

	helper_add(&a, "vhd-vhost-user-blk");
	helper_add_value(&a, "--socket", opt.vhost);
	helper_add_value(&a, "--queues", number(opt.queues));
	if (opt.read_only)
		helper_add(&a, "--read-only");
	open_add_arguments(&a, &opt.open);
	if (opt.wait)
		helper_add_value(&a, "--wait", number(opt.wait));
	helper_add(&a, "--");
	helper_add(&a, image);
	return become(image, program ? program : "vhd-vhost-user-blk", &a,
		      "it belongs beside vhdtool");
}

static int run(const char *const *arguments)
{
	if (!opt.nbd == !opt.vhost)
		return diag_usage("serve: needs --nbd or --vhost-user-blk");
	return opt.nbd ? serve_nbd(arguments[0]) : serve_vhost(arguments[0]);
}

const struct command serve_command = {
	.name = "serve",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "serve an image to virtual machines, or over NBD",
	.description =
		"Serves the disk until it is stopped by a signal. Over NBD, "
		"any number of clients may connect; the image is locked "
		"while there are some. To a virtual machine monitor, as a "
		"vhost-user-blk device, which is faster.",
	.examples = "  vhdtool serve --nbd /run/disk.sock disk.vhdx\n"
		    "  qemu-system-x86_64 ... -drive "
		    "file=nbd:unix:/run/disk.sock,format=raw\n"
		    "  vhdtool serve --vhost-user-blk /run/vub.sock --queues 4 "
		    "disk.vhdx",
	.exits = "  0  stopped by a signal\n"
		 "  1  the image cannot be opened or is in use, the server is "
		 "not installed\n"
		 "  2  wrong usage",
	.options = options,
	.run = run,
};
