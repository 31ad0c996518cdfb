/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmdline.h"

#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "diag.h"

#define POLL_US_MAX 100000u

static struct cmdline line = {
	.device = {.id = "disk0", .queues = 1},
};
static int on_full;

static const char *const full_names[] = {"report", "stop", "retry", NULL};

#define TEXT(text, variable)                                                   \
	{                                                                      \
		.name = text, .kind = OPTION_TEXT, .target = &(variable),      \
		.argument = "TEXT",                                            \
	}
#define COUNT(text, variable)                                                  \
	{                                                                      \
		.name = text, .kind = OPTION_COUNT, .target = &(variable),     \
		.argument = "N",                                               \
	}
#define FLAG(text, variable)                                                   \
	{                                                                      \
		.name = text, .kind = OPTION_FLAG, .target = &(variable)       \
	}

static const struct tool_option options[] = {
	TEXT("socket", line.device.socket),
	TEXT("id", line.device.id),
	TEXT("serial", line.device.serial),
	TEXT("parent", line.device.open.parent),
	TEXT("control", line.control),
	COUNT("queues", line.device.queues),
	COUNT("wait", line.device.wait),
	COUNT("poll-us", line.device.poll_us),
	FLAG("read-only", line.device.read_only),
	FLAG("ignore-children", line.device.open.ignore_children),
	FLAG("version", line.version),
	{.name = "format",
	 .letter = 'f',
	 .kind = OPTION_FORMAT,
	 .target = &line.device.open.format,
	 .argument = "FORMAT"},
	{.name = "parent-root",
	 .kind = OPTION_LIST,
	 .target = &line.device.open.parent_roots,
	 .argument = "DIR"},
	{.name = "on-full",
	 .kind = OPTION_CHOICE,
	 .target = &on_full,
	 .argument = "WHAT",
	 .choices = full_names},
	{0},
};

static const struct command command = {
	.options = options,
	.argument_count = COMMAND_ANY_COUNT,
};

static int check(const struct option_result *rest)
{
	if (rest->count > 1)
		return diag_usage("too many arguments: %s", rest->arguments[1]);
	if (!line.device.image && !line.control)
		return diag_usage("an image, or --control, is needed");
	if (!line.device.image != !line.device.socket)
		return diag_usage("--socket and an image belong together");
	if (!line.device.queues || line.device.queues > VUB_QUEUES_MAX)
		return diag_usage("--queues is a number from 1 to %u",
				  VUB_QUEUES_MAX);
	if (line.device.poll_us > POLL_US_MAX)
		return diag_usage("--poll-us is %u at most", POLL_US_MAX);
	return TOOL_DONE;
}

int cmdline_read(int argc, char **argv, struct cmdline *out)
{
	struct option_result rest;
	int rc = options_parse(&command, argc, argv, &rest);

	if (rc)
		return rc;
	line.help = rest.help;
	line.device.on_full = (enum vub_on_full)on_full;
	if (rest.count)
		line.device.image = rest.arguments[0];
	if (!line.help && !line.version)
		rc = check(&rest);
	free(rest.arguments);
	*out = line;
	return rc;
}

static const char options_help[] =
	"usage: vhd-vhost-user-blk --socket PATH [OPTIONS] IMAGE\n"
	"       vhd-vhost-user-blk --control SOCKET [OPTIONS]\n"
	"\n"
	"Serves a VHD, VHDX or raw image to a virtual machine monitor, as "
	"a vhost-user\n"
	"back end of type blk.\n"
	"\n"
	"  --socket PATH        where the monitor connects\n"
	"  --queues N           virtqueues: 1 to 64, default 1\n"
	"  --read-only          nothing is written\n"
	"  -f, --format FORMAT  raw, vhd or vhdx; default: by the "
	"extension\n"
	"  --parent PATH        the image's parent\n"
	"  --parent-root DIR    parents may lie below DIR (repeatable)\n"
	"  --ignore-children    even if other images have this one as "
	"parent\n"
	"  --serial TEXT        what the guest sees as serial number; "
	"default: the id\n"
	"  --on-full WHAT       when the host's file system is full, "
	"requests\n"
	"                       report: fail (default)\n"
	"                       stop:   wait for `resume` on the control "
	"socket\n"
	"                       retry:  are tried again until there is "
	"space\n"
	"  --wait SECONDS       how long requests wait for another host "
	"that has the\n"
	"                       image; default 0\n"
	"  --poll-us N          look for work up to so many microseconds "
	"before\n"
	"                       sleeping, if that has paid lately; "
	"default 0\n"
	"  --id TEXT            the disk's name for the control socket; "
	"default disk0\n"
	"  --control SOCKET     takes commands at a socket\n"
	"  -h, --help  --version\n"
	"\n";

static const char commands_help[] =
	"A command is a JSON object on a line, the answer another:\n"
	"  {\"command\":\"add\", \"id\":\"d1\", \"image\":\"b.vhdx\", "
	"\"socket\":\"b.sock\"}\n"
	"      also: queues, serial, read_only, format, parent, "
	"parent_roots,\n"
	"      ignore_children, on_full, wait, poll_us\n"
	"  {\"command\":\"remove\", \"id\":\"d1\"}\n"
	"  {\"command\":\"resize\", \"id\":\"d1\", \"size\":BYTES}   the "
	"guest is told\n"
	"  {\"command\":\"compact\", \"id\":\"d1\"}   makes the file "
	"smaller\n"
	"  {\"command\":\"merge\", \"id\":\"d1\"}   merges layers below "
	"the image\n"
	"      also: from, into, delete, ignore_children\n"
	"  {\"command\":\"cancel\", \"id\":\"d1\"}   stops compact or merge\n"
	"  {\"command\":\"resume\", \"id\":\"d1\"}   after stop: there is "
	"space again\n"
	"  {\"command\":\"list\"}\n"
	"  {\"command\":\"quit\"}\n"
	"Answers: {\"ok\":true, ...} or {\"ok\":false, "
	"\"error\":\"...\"}\n";

void cmdline_help(void)
{
	fputs(options_help, stdout);
	fputs(commands_help, stdout);
}
