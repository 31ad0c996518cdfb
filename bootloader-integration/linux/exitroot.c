/* SPDX-License-Identifier: BSD-2-Clause */
#include "exitroot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach.h"
#include "command.h"
#include "device.h"
#include "diag.h"
#include "dm.h"
#include "umount.h"
#include "volume.h"

#define SHUTDOWN EXITROOT "/shutdown"

/* moments, see device_wait(): 10 seconds */
#define PATIENCE 500

static int make_folders(void)
{
	static const char *const names[] = {
		EXITROOT "/oldroot", EXITROOT "/proc", EXITROOT "/sys",
		EXITROOT "/dev",     EXITROOT "/run",  EXITROOT "/tmp",
		EXITROOT "/etc",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (mkdir(names[i], 0755) && errno != EEXIST)
			return diag_error(names[i], "%s", strerror(errno));
	return TOOL_DONE;
}

static int copy(int from, int to)
{
	ssize_t n;

	do
		n = sendfile(to, from, NULL, 1 << 20);
	while (n > 0);
	return n ? -1 : 0;
}

static int copy_self(void)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(SHUTDOWN, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	int rc = TOOL_DONE;

	if (from < 0 || to < 0 || copy(from, to))
		rc = diag_error(SHUTDOWN, "%s", strerror(errno));
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return rc;
}

int exitroot_make(void)
{
	int rc;

	if (mkdir(EXITROOT, 0755) && errno != EEXIST)
		return diag_error(EXITROOT, "%s", strerror(errno));
	if (mount("exitroot", EXITROOT, "tmpfs", MS_NODEV | MS_NOSUID,
		  "mode=0755"))
		return diag_error(EXITROOT, "%s", strerror(errno));
	rc = make_folders();
	return rc ? rc : copy_self();
}

/*
 * The file system is written out when the last one lets go of it. `source` is
 * "" if there was none. dracut moves the old /run to /oldsys.
 */
static int unmount_host(const char *source)
{
	umount_below(VOLUME_FOLDER);
	umount_below("/oldsys" VOLUME_FOLDER);
	for (int i = 0; i < PATIENCE; i++) {
		if (strncmp(source, "/dev/", 5) != 0 ||
		    !device_in_use(source + 5))
			return TOOL_DONE;
		device_wait();
	}
	return diag_error(source, "is in use still");
}

int exitroot_release(void)
{
	char source[128] = "";
	int rc = TOOL_DONE;

	/* asked first: systemd binds /run without what is mounted below, so
	 * that the volume is seen below /oldroot only, and soon not at all */
	umount_source(VOLUME_HOST, source, sizeof(source));
	if (!umount_below("/oldroot"))
		rc = diag_error("/oldroot", "is in use still");
	sync();
	dm_remove_all(); /* volumes inside the image */
	if (attach_undo_all())
		rc = TOOL_FAILED;
	if (unmount_host(source))
		rc = TOOL_FAILED;
	sync();
	return rc;
}
