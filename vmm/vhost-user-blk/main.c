/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd-vhost-user-blk: disk images for virtual machine monitors, through the
 * vhost-user protocol.
 *
 *	main, registry     the process and its disks
 *	control, command   the control socket
 *	device, config     an image and the socket it is served at
 *	job                work on an image beside its guest
 *	session            a front end's connection
 *	message*           what its messages do
 *	guest, map, dirty  memory that is shared with it
 *	queue, worker      a virtqueue and its thread
 *	ring, chain        its layout
 *	request, serve     requests of the block driver
 *	inflight           what outlives us of them
 *	guard              memory that is taken away under our hands
 *
 * The main thread waits in loop.c for all sockets. It does all that changes
 * what a front end has set up, with the threads concerned stopped.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/signalfd.h>

#include "cmdline.h"
#include "command.h"
#include "confine_image.h"
#include "control.h"
#include "diag.h"
#include "guard.h"
#include "registry.h"

static bool ended; /* by a signal */

static void nudge(int number)
{
	(void)number; /* a system call has ended early, that is all */
}

static void on_signal(void *ctx)
{
	(void)ctx;
	ended = true;
}

/* the signals that end us come through a descriptor, to the main thread */
static int watch_signals(void)
{
	static struct vub_source source = {.ready = on_signal};
	const struct sigaction action = {.sa_handler = nudge};
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	source.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return source.fd < 0 ? -1 : vub_loop_add(&source);
}

/* many disks with many queues have many descriptors */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Who has a control socket may name other images at any time. */
static void confine(const struct cmdline *line)
{
	if (!line->control)
		confine_server(line->device.image, &line->device.open,
			       line->device.read_only, line->device.socket);
}

static int begin(const struct cmdline *line)
{
	char error[VUB_ERROR_SIZE];

	allow_descriptors();
	confine(line);
	if (vub_loop_init() || watch_signals() || vub_guard_install())
		return diag_error(NULL, "%s", strerror(errno));
	if (line->device.image && vub_registry_add(&line->device, error))
		return diag_error(NULL, "%s", error);
	if (line->control && vub_control_open(line->control))
		return diag_error(line->control, "%s", strerror(errno));
	return TOOL_DONE;
}

int main(int argc, char **argv)
{
	struct cmdline line;
	int rc;

	diag_program = "vhd-vhost-user-blk";
	rc = cmdline_read(argc - 1, argv + 1, &line);
	if (rc)
		return rc;
	if (line.help)
		cmdline_help();
	if (line.version)
		printf("vhd-vhost-user-blk %s\n", vhd_version());
	if (line.help || line.version)
		return TOOL_DONE;
	rc = begin(&line);
	while (!rc && !ended && !vub_control_quits())
		vub_loop_step(vub_registry_tick());
	vub_registry_remove_all();
	vub_control_close();
	return rc;
}
