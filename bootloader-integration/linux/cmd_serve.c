/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd-attach serve: the process behind an NBD device. It is started by attach,
 * says the device's name when it is there, and ends when that is disconnected.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "command.h"
#include "commands.h"
#include "daemon.h"
#include "diag.h"
#include "nbdlink.h"
#include "nbdserver.h"
#include "record.h"

static struct {
	struct attach_options attach;
	unsigned report;
} opt;

static const struct tool_option options[] = {
	ATTACH_OPTIONS(opt.attach),
	{.name = "root",
	 .kind = OPTION_FLAG,
	 .target = &opt.attach.root,
	 .help = "the system runs from it: signals do not end it"},
	{.name = "report",
	 .kind = OPTION_COUNT,
	 .target = &opt.report,
	 .argument = "FD",
	 .help = "where to say the device's name"},
	{0},
};

struct service {
	struct vhd_disk *disk;
	struct nbd_server *server;
	struct record record;
	unsigned index;
	char name[DEVICE_NAME];
};

/* Somebody wants it to end: not while the device is used. */
static void asked_to_end(void *ctx)
{
	struct service *s = ctx;

	if (opt.attach.root || device_in_use(s->name))
		vhd_disk_flush(s->disk, NULL);
	else
		nbdlink_disconnect(s->index);
}

static int connect_failed(const char *image, int error)
{
	diag_error(image, "cannot be attached as an NBD device: %s",
		   error == ENOENT ? "this kernel has no NBD"
				   : strerror(error));
	if (error == ENOENT)
		diag_hint("the module is nbd (CONFIG_BLK_DEV_NBD)");
	return TOOL_FAILED;
}

static int connect_device(struct service *s, const char *image)
{
	const struct nbd_request_device request = {
		.size = vhd_disk_size(s->disk),
		.block_size = vhd_disk_sector_size(s->disk),
		.flags = nbd_server_flags(s->server),
		.socket = nbd_server_socket(s->server),
	};
	int rc = nbdlink_connect(&request);

	if (rc < 0)
		return connect_failed(image, -rc);
	s->index = (unsigned)rc;
	snprintf(s->name, sizeof(s->name), "nbd%u", s->index);
	nbd_server_handed_over(s->server);
	if (record_begin(&s->record, s->name, image)) {
		diag_error(RECORD_FOLDER, "%s", strerror(errno));
		nbdlink_disconnect(s->index);
		return TOOL_FAILED;
	}
	return TOOL_DONE;
}

/* 0 when the device is there and its server runs */
static int begin(struct service *s, const char *image)
{
	struct vhd_diag diag = {0};
	int rc = nbd_server_open(s->disk, &s->server, &diag);

	if (rc)
		return diag_failure(image, rc, &diag);
	daemon_stay();
	rc = connect_device(s, image);
	if (rc)
		nbd_server_close(s->server);
	return rc;
}

static void tell(const struct service *s)
{
	int fd = (int)opt.report;

	if (write(fd, s->name, strlen(s->name)) < 0)
		diag_warning(s->name, "nobody waits for it");
	close(fd);
}

/* Until the device is gone; then the image is as its format wants it. */
static int serve(struct service *s, const char *image)
{
	struct vhd_diag diag = {0};
	int rc;

	daemon_wait(nbd_server_end_fd(s->server), asked_to_end, s);
	nbd_server_close(s->server);
	rc = vhd_disk_shut(s->disk, &diag);
	vhd_disk_close(s->disk);
	if (rc)
		diag_failure(image, rc, &diag);
	record_end(&s->record, !rc            ? NULL
			       : diag.text[0] ? diag.text
					      : vhd_strerror(rc));
	return rc ? TOOL_FAILED : TOOL_DONE;
}

static int run(const char *const *arguments)
{
	const char *image = arguments[0];
	struct service s = {0};
	int rc;

	rc = open_disk(image, &opt.attach.open,
		       opt.attach.read_only ? 0 : VHD_DISK_WRITE, &s.disk);
	if (rc)
		return rc;
	daemon_begin();
	rc = begin(&s, image);
	if (rc) {
		vhd_disk_close(s.disk);
		return rc;
	}
	daemon_leave();
	tell(&s);
	return serve(&s, image);
}

const struct command serve_command = {
	.name = "serve",
	.arguments = "IMAGE",
	.argument_count = 1,
	.summary = "the process behind a device (attach starts it)",
	.description = "Serves an image to the kernel's NBD client until the "
		       "device is disconnected. attach starts it.",
	.options = options,
	.examples = "  vhd-attach attach disk.vhdx",
	.exits = "  0  the image was closed\n  1  it could not be\n"
		 "  2  wrong usage",
	.run = run,
};
