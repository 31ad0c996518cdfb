/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd-attach serve: the process behind an NBD or ublk device. It is started by
 * attach, says the device's name when it is there, and ends when that is taken
 * away.
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
#include "nbddevice.h"
#include "record.h"
#include "ublkserver.h"

static struct {
	struct attach_options attach;
	bool ublk;
	unsigned report;
} opt;

static const struct tool_option options[] = {
	ATTACH_OPTIONS(opt.attach),
	{.name = "root",
	 .kind = OPTION_FLAG,
	 .target = &opt.attach.root,
	 .help = "the system runs from it: signals do not end it"},
	{.name = "ublk",
	 .kind = OPTION_FLAG,
	 .target = &opt.ublk,
	 .help = "for the ublk driver, not the NBD client"},
	{.name = "report",
	 .kind = OPTION_COUNT,
	 .target = &opt.report,
	 .argument = "FD",
	 .help = "where to say the device's name"},
	{0},
};

struct service {
	const struct servant *servant;
	struct vhd_disk *disk;
	void *server;
	struct record record;
	char name[DEVICE_NAME];
};

/* Somebody wants it to end: not while the device is used. */
static void asked_to_end(void *ctx)
{
	struct service *s = ctx;

	if (opt.attach.root || device_in_use(s->name))
		vhd_disk_flush(s->disk, NULL);
	else
		s->servant->stop(s->server);
}

static int make_device(struct service *s, const char *image)
{
	int rc = s->servant->start(s->server, image, s->name);

	if (rc)
		return rc;
	if (record_begin(&s->record, s->name, image)) {
		diag_error(RECORD_FOLDER, "%s", strerror(errno));
		s->servant->stop(s->server);
		return TOOL_FAILED;
	}
	return TOOL_DONE;
}

/* 0 when the device is there and its server runs */
static int begin(struct service *s, const char *image)
{
	int rc = s->servant->open(s->disk, image, &s->server);

	if (rc)
		return rc;
	daemon_stay();
	rc = make_device(s, image);
	if (rc) {
		s->servant->finish(s->server);
		s->servant->free(s->server);
	}
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

	daemon_wait(s->servant->end_fd(s->server), asked_to_end, s);
	s->servant->finish(s->server);
	rc = vhd_disk_shut(s->disk, &diag);
	vhd_disk_close(s->disk);
	s->servant->free(s->server);
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
	struct service s = {
		.servant = opt.ublk ? &ublk_servant : &nbd_servant,
	};
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
	.description = "Serves an image to the kernel's NBD client, or its "
		       "ublk driver, until the device is taken away. attach "
		       "starts it.",
	.options = options,
	.examples = "  vhd-attach attach disk.vhdx",
	.exits = "  0  the image was closed\n  1  it could not be\n"
		 "  2  wrong usage",
	.run = run,
};
