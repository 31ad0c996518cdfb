/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmdline.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "diag.h"
#include "format.h"
#include "memory.h"

enum key { KEY_ROOT = 1, KEY_IGNORED };

#define OPTION(text, member, value)                                            \
	{                                                                      \
		text, offsetof(struct cmdline, member), value                  \
	}

/* FUSE_OPT_KEY without the conversion that clang warns of */
#define OPTION_KEY(text, key)                                                  \
	{                                                                      \
		text, (unsigned long)-1U, key                                  \
	}

static const struct fuse_opt table[] = {
	OPTION("-h", help, 1),
	OPTION("--help", help, 1),
	OPTION("-V", version, 1),
	OPTION("--version", version, 1),
	OPTION("-f", foreground, 1),
	OPTION("-s", single_thread, 1),
	OPTION("ro", read_only, 1),
	OPTION("rw", read_only, 0),
	OPTION("allow_other", allow_other, 1),
	OPTION("max_read=%u", max_read, 0),
	OPTION("--read-only", read_only, 1),
	OPTION("--overlay", overlay, 1),
	OPTION("overlay", overlay, 1),
	OPTION("--keep=%s", keep, 0),
	OPTION("keep=%s", keep, 0),
	OPTION("--format=%s", format, 0),
	OPTION("format=%s", format, 0),
	OPTION("--parent=%s", parent, 0),
	OPTION("parent=%s", parent, 0),
	OPTION("--idle-timeout=%u", idle_timeout, 0),
	OPTION("idle_timeout=%u", idle_timeout, 0),
	OPTION("--json-status", json_status, 1),
	OPTION("--ignore-id-mismatch", open.ignore_id, 1),
	OPTION("ignore_id_mismatch", open.ignore_id, 1),
	OPTION("--ignore-children", open.ignore_children, 1),
	OPTION("ignore_children", open.ignore_children, 1),
	OPTION("--force-share", open.force_share, 1),
	OPTION("force_share", open.force_share, 1),
	OPTION_KEY("--parent-root=", KEY_ROOT),
	OPTION_KEY("parent_root=", KEY_ROOT),
	/* what mount(8) and systemd pass along and others act on */
	OPTION_KEY("auto", KEY_IGNORED),
	OPTION_KEY("noauto", KEY_IGNORED),
	OPTION_KEY("user", KEY_IGNORED),
	OPTION_KEY("nofail", KEY_IGNORED),
	OPTION_KEY("_netdev", KEY_IGNORED),
	OPTION_KEY("x-systemd.", KEY_IGNORED),
	/* no times are kept; libfuse does not know these */
	OPTION_KEY("relatime", KEY_IGNORED),
	OPTION_KEY("strictatime", KEY_IGNORED),
	OPTION_KEY("lazytime", KEY_IGNORED),
	FUSE_OPT_END,
};

static int take(void *data, const char *arg, int key, struct fuse_args *args)
{
	struct cmdline *o = data;

	(void)args;
	switch (key) {
	case KEY_IGNORED:
		return 0;
	case KEY_ROOT:
		option_list_add(&o->open.parent_roots,
				tool_must(strdup(strchr(arg, '=') + 1)));
		return 0;
	case FUSE_OPT_KEY_NONOPT:
		if (o->image && o->mountpoint)
			return diag_usage("too many arguments: %s", arg);
		*(o->image ? &o->mountpoint : &o->image) =
			tool_must(strdup(arg));
		return 0;
	default:
		return 1;
	}
}

static int check(struct cmdline *o)
{
	if (o->help || o->version)
		return TOOL_DONE;
	if (!o->mountpoint)
		return diag_usage("an image and a folder are needed");
	if (o->keep && !o->overlay)
		return diag_usage("--keep belongs to --overlay");
	if (o->overlay && o->read_only)
		return diag_usage("--overlay takes writes, ro does not");
	o->open.parent = o->parent;
	if (!o->format)
		return TOOL_DONE;
	o->open.format = format_from_name(o->format);
	if (!o->open.format)
		return diag_usage("%s is no format: raw, vhd or vhdx",
				  o->format);
	return TOOL_DONE;
}

int cmdline_read(int argc, char **argv, struct cmdline *out)
{
	*out = (struct cmdline){
		.args = FUSE_ARGS_INIT(argc, argv),
	};
	if (fuse_opt_parse(&out->args, out, table, take))
		return TOOL_USAGE;
	return check(out);
}

void cmdline_free(struct cmdline *o)
{
	for (size_t i = 0; i < o->open.parent_roots.count; i++)
		free((void *)(uintptr_t)o->open.parent_roots.items[i]);
	free(o->image);
	free(o->format);
	free(o->parent);
	free(o->mountpoint);
	free(o->keep);
	fuse_opt_free_args(&o->args);
}

void cmdline_help(void)
{
	fputs("usage: vhdfuse [OPTIONS] IMAGE DIR\n"
	      "\n"
	      "Shows the disk of a VHD, VHDX or raw image as files in DIR:\n"
	      "  disk             all of it\n"
	      "  partitions/N     its partitions, with links by-label, by-uuid "
	      "and by-type\n"
	      "  layers/N         as layer N of the chain and those below show "
	      "it\n"
	      "  info.json        what is known of each layer\n"
	      "Unmount with fusermount3 -u DIR, umount DIR or vhdtool umount "
	      "DIR.\n"
	      "\n"
	      "  -o ro, --read-only      nothing is written, not even a log "
	      "replayed\n"
	      "  -o allow_other          everybody may use the mount\n"
	      "  --overlay               writes go to a temporary differencing "
	      "child\n"
	      "  --keep=CHILD            with --overlay: the child is CHILD, and "
	      "stays\n"
	      "  --format=FORMAT         raw, vhd or vhdx; default: by the "
	      "extension\n"
	      "  --parent=PATH           the image's parent\n"
	      "  --parent-root=DIR       parents may lie below DIR "
	      "(repeatable)\n"
	      "  --ignore-id-mismatch    accept a parent of another identity\n"
	      "  --ignore-children       even if other images have this one as "
	      "parent\n"
	      "  --force-share           with ro: read what another program "
	      "writes\n"
	      "  --idle-timeout=SECONDS  unmount when nothing was open so long\n"
	      "  --json-status           a line of JSON on stdout when mounted\n"
	      "  -f                      stay in the foreground\n"
	      "  -s                      one thread\n"
	      "  -o OPTION[,OPTION]      the above with _ for -, and those of "
	      "FUSE\n"
	      "  -h, --help  -V, --version\n"
	      "\n"
	      "In /etc/fstab:\n"
	      "  /images/disk.vhdx  /mnt/disk  fuse.vhdfuse  ro,allow_other  0 "
	      "0\n",
	      stdout);
}
