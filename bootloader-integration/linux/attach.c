/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "dmdisk.h"
#include "format.h"
#include "helper.h"
#include "loopdev.h"
#include "module.h"

/* -- loop: the kernel alone --------------------------------------------------
 */

static bool in_one_piece(const struct vhd_image_info *info)
{
	return info->format == VHD_FORMAT_RAW ||
	       (info->format == VHD_FORMAT_VHD && info->type == VHD_TYPE_FIXED);
}

/* The lock goes with the descriptor, so it stays as long as the device. */
static int attach_open_loop(struct vhd_disk *disk, const char *image,
			    const struct attach_options *options,
			    char name[DEVICE_NAME])
{
	struct vhd_image *leaf = vhd_disk_image(disk, 0);
	struct loop_request request = {
		.size = vhd_disk_size(disk),
		.block = vhd_disk_sector_size(disk),
		.read_only = options->read_only,
		.partitions = true,
	};
	struct vhd_image_info info;

	vhd_image_get_info(leaf, &info);
	if (!in_one_piece(&info))
		return diag_error(image,
				  "is no fixed VHD: only NBD or ublk can "
				  "attach it");
	request.fd = vhd_image_data_fd(leaf, 0, request.size);
	return loop_attach(image, &request, name);
}

static int attach_loop(const char *image, const struct attach_options *options,
		       char name[DEVICE_NAME])
{
	struct vhd_disk *disk;
	int rc = open_disk(image, &options->open,
			   options->read_only ? 0 : VHD_DISK_WRITE, &disk);

	if (rc)
		return rc;
	rc = attach_open_loop(disk, image, options, name);
	vhd_disk_close(disk);
	return rc;
}

/* -- NBD, ublk: a server of ours ---------------------------------------------
 */

static void add_options(struct helper_arguments *a, const char *image,
			const struct attach_options *options)
{
	if (options->read_only)
		helper_add(a, "--read-only");
	if (options->root)
		helper_add(a, "--root");
	if (options->mode == ATTACH_UBLK)
		helper_add(a, "--ublk");
	open_add_arguments(a, &options->open);
	helper_add_value(a, "--", image);
}

/* what a service manager does not kill has a name that begins with '@' */
static void become_server(const char *image,
			  const struct attach_options *options, int report)
{
	struct helper_arguments a = {0};
	char number[16];

	snprintf(number, sizeof(number), "%d", report);
	helper_add(&a, options->root ? "@vhd-attach" : "vhd-attach");
	helper_add(&a, "serve");
	helper_add_value(&a, "--report", number);
	add_options(&a, image, options);
	/* the interface lacks a const; nothing is changed */
	execv("/proc/self/exe", (char *const *)(uintptr_t)a.items);
	diag_error("/proc/self/exe", "%s", strerror(errno));
	_exit(TOOL_FAILED);
}

/* It says the device's name when all is well, else it has said why not. */
static int await_server(pid_t pid, int report, char name[DEVICE_NAME])
{
	size_t done = 0;
	ssize_t n;

	while (done < DEVICE_NAME - 1) {
		n = read(report, name + done, DEVICE_NAME - 1 - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	name[done] = '\0';
	if (done)
		return TOOL_DONE;
	waitpid(pid, NULL, 0);
	return TOOL_FAILED;
}

static int attach_served(const char *image,
			 const struct attach_options *options,
			 char name[DEVICE_NAME])
{
	int report[2], rc;
	pid_t pid;

	if (options->mode != ATTACH_UBLK && access("/sys/module/nbd", F_OK))
		module_load("nbd");
	if (pipe2(report, O_CLOEXEC))
		return diag_error(image, "%s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		fcntl(report[1], F_SETFD, 0);
		become_server(image, options, report[1]);
	}
	close(report[1]);
	rc = pid < 0 ? diag_error(image, "%s", strerror(errno))
		     : await_server(pid, report[0], name);
	close(report[0]);
	return rc;
}

/* -- either ------------------------------------------------------------------
 */

/* The header alone decides; what is wrong with the rest is found later. */
static int choose(const char *image, const struct open_options *open,
		  enum attach_mode *mode)
{
	struct open_options look = *open;
	struct vhd_image_info info;
	struct vhd_disk *disk;
	int rc;

	look.layer = true;
	look.force_share = true;
	rc = open_disk(image, &look, 0, &disk);
	if (rc)
		return rc;
	vhd_image_get_info(vhd_disk_image(disk, 0), &info);
	vhd_disk_close(disk);
	*mode = in_one_piece(&info) ? ATTACH_LOOP : ATTACH_NBD;
	return TOOL_DONE;
}

int attach_image(const char *image, const struct attach_options *options,
		 char name[DEVICE_NAME])
{
	enum attach_mode mode = options->mode;
	int rc = TOOL_DONE;

	if (mode == ATTACH_AUTO)
		rc = choose(image, &options->open, &mode);
	if (rc)
		return rc;
	if (mode == ATTACH_LOOP)
		rc = attach_loop(image, options, name);
	else if (mode == ATTACH_DM)
		rc = dm_disk_attach(image, &options->open, name);
	else
		rc = attach_served(image, options, name);
	if (!rc)
		device_scan(name);
	return rc;
}
