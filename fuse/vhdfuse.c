/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdfuse: a disk image as files. Opens the disk, mounts, answers requests
 * until it is unmounted or told to stop, and closes the disk in order. Killed
 * in between it leaves what the crash contract promises (docs/design.md).
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "background.h"
#include "command.h"
#include "contents.h"
#include "diag.h"
#include "escape.h"
#include "idle.h"
#include "json.h"
#include "memory.h"
#include "overlay.h"
#include "readahead.h"

struct run {
	struct cmdline *options;
	struct mount mount;
	struct background background;
	struct fuse_session *session;
	char mountpoint[PATH_MAX];
};

static int open_image(const struct cmdline *o, struct vhd_disk **out)
{
	int rc;

	if (o->overlay)
		return overlay_open(o, out);
	/* what is shown is shown to everybody: a damaged table of any layer is
	 * refused now, not when somebody meets the damage */
	rc = open_disk(o->image, &o->open,
		       VHD_DISK_VERIFY | (o->read_only ? 0 : VHD_DISK_WRITE),
		       out);
	if (rc == TOOL_FAILED && !o->read_only && access(o->image, R_OK) == 0 &&
	    access(o->image, W_OK) != 0)
		diag_hint("-o ro mounts it for reading only");
	return rc;
}

/*
 * "fsname=" and the file that is held open longest: vhdtool umount, wherever it
 * is run, waits until that is closed
 */
static char *source_option(const struct cmdline *o)
{
	const char *file = o->keep ? o->keep : o->image;
	char *real = realpath(file, NULL);
	char *source = escape(real ? real : file);
	size_t n = strlen(source) + sizeof("fsname=");
	char *name = tool_zalloc(n);

	snprintf(name, n, "fsname=%s", source);
	free(source);
	free(real);
	return name;
}

/* "mount" shows the image as the source, and fuse.vhdfuse as the type */
static void add_mount_options(const struct cmdline *o, struct fuse_args *args)
{
	char *name = source_option(o), *all = NULL;
	char max_read[32];

	snprintf(max_read, sizeof(max_read), "max_read=%u", o->max_read);
	if (fuse_opt_add_opt(&all, "subtype=vhdfuse") ||
	    fuse_opt_add_opt_escaped(&all, name) ||
	    (o->read_only && fuse_opt_add_opt(&all, "ro")) ||
	    (o->allow_other && fuse_opt_add_opt(&all, "allow_other")) ||
	    (o->max_read && fuse_opt_add_opt(&all, max_read)) ||
	    fuse_opt_add_arg(args, "-o") || fuse_opt_add_arg(args, all))
		tool_must(NULL);
	free(all);
	free(name);
}

/* "/dev/fd/N" is no folder: mount.fuse3 has mounted it already, on an open
 * /dev/fuse, and given up its rights (drop_privileges) */
static int find_mountpoint(struct run *r)
{
	const char *name = r->options->mountpoint;

	if (strncmp(name, "/dev/fd/", 8) == 0)
		snprintf(r->mountpoint, sizeof(r->mountpoint), "%s", name);
	else if (!realpath(name, r->mountpoint))
		return diag_error(name, "is no folder to mount on");
	return TOOL_DONE;
}

static int start_session(struct run *r)
{
	struct cmdline *o = r->options;
	int rc = find_mountpoint(r);

	if (rc)
		return rc;
	add_mount_options(o, &o->args);
	r->session = fuse_session_new(&o->args, &mount_ops, sizeof(mount_ops),
				      &r->mount);
	if (!r->session)
		return TOOL_USAGE; /* libfuse has said why */
	if (fuse_set_signal_handlers(r->session))
		return diag_error(NULL, "cannot handle signals");
	if (fuse_session_mount(r->session, r->mountpoint))
		return diag_error(o->mountpoint, "cannot be mounted on");
	readahead_raise(r->mountpoint);
	return TOOL_DONE;
}

static void print_status(const struct run *r)
{
	json_t *out = json_new_object();

	json_put_text(out, "mountpoint", r->mountpoint);
	json_put_text(out, "filename", r->options->image);
	json_put_size(out, "pid", (uint64_t)getpid());
	json_put_size(out, "virtual-size", vhd_disk_size(r->mount.disk));
	json_put_bool(out, "read-only", !vhd_disk_is_writable(r->mount.disk));
	json_put_size(out, "layers", vhd_disk_layers(r->mount.disk));
	json_write(out, JSON_COMPACT, stdout);
	putchar('\n');
	fflush(stdout);
}

static int loop(struct run *r)
{
	struct fuse_loop_config *config;
	int rc;

	if (r->options->single_thread)
		return fuse_session_loop(r->session);
	config = fuse_loop_cfg_create();
	fuse_loop_cfg_set_clone_fd(config, 1);
	fuse_loop_cfg_set_max_threads(config, 16);
	rc = fuse_session_loop_mt(r->session, config);
	fuse_loop_cfg_destroy(config);
	return rc;
}

static int serve(struct run *r)
{
	int rc = start_session(r);

	if (!rc) {
		if (r->options->json_status)
			print_status(r);
		background_ready(&r->background);
		idle_watch(&r->mount, r->options->idle_timeout);
		/* a signal ends the loop too; both are a clean end */
		rc = loop(r) < 0 ? TOOL_FAILED : TOOL_DONE;
		fuse_session_unmount(r->session);
	}
	if (r->session) {
		fuse_remove_signal_handlers(r->session);
		fuse_session_destroy(r->session);
	}
	return rc;
}

static int close_disk(struct run *r)
{
	struct vhd_diag diag = {0};
	int rc = vhd_disk_shut(r->mount.disk, &diag);

	if (rc)
		diag_failure(r->options->image, rc, &diag);
	vhd_disk_close(r->mount.disk);
	return rc ? TOOL_FAILED : TOOL_DONE;
}

static int run(struct cmdline *options)
{
	struct run r = {.options = options};
	int rc, closed;

	if (!background_start(&r.background, options->foreground))
		return TOOL_FAILED;
	rc = open_image(options, &r.mount.disk);
	if (rc)
		return rc;
	r.mount.image = options->image;
	contents_build(&r.mount, options);
	rc = serve(&r);
	closed = close_disk(&r);
	contents_free(&r.mount);
	return rc ? rc : closed;
}

int main(int argc, char **argv)
{
	struct cmdline options;
	int rc;

	diag_program = "vhdfuse";
	rc = cmdline_read(argc, argv, &options);
	if (rc)
		diag_hint("vhdfuse --help lists the options");
	else if (options.help)
		cmdline_help();
	else if (options.version)
		printf("vhdfuse %s (FUSE %s)\n", vhd_version(),
		       fuse_pkgversion());
	else
		rc = run(&options);
	cmdline_free(&options);
	return rc;
}
