/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nbdkit plugin: nbdkit vhd [file=]IMAGE [format=..] [parent=..]
 * [parent-root=..]... [wait=SECONDS] [confine=true] [stay=true]
 *
 * All connections share one disk, which is opened when the first comes and
 * closed in order when the last goes: then another host may take the image.
 * nbdkit calls from many threads, and so does libvhd like it.
 *
 * With confine=true nbdkit gives up what serving this image does not need: no
 * other file, program or connection. Filters may want such things, which is why
 * it is not the default.
 *
 * With stay=true nbdkit does not end with the process that started it, as it
 * does in the foreground.
 *
 * With wait=SECONDS an image that another host still writes is opened without
 * its lock. The first request then takes the lock, and waits that long for the
 * other one to let go.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <libvhd.h>

#include "confine_image.h"
#include "format.h"

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

#define ROOTS_MAX 64u
#define RETRY_MS  20u

/* what the command line says */
static struct {
	char *path;
	char *parent;
	char *roots[ROOTS_MAX];
	unsigned root_count;
	int format;
	bool ignore_children;
	bool confine;
	bool stay;
	unsigned wait; /* seconds */
} config;

static struct {
	pthread_mutex_t mutex;
	struct vhd_disk *disk; /* NULL without connections */
	unsigned users;
	bool writable;
	_Atomic bool active;
	/* held by requests; by who closes the disk against them */
	pthread_rwlock_t busy;
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER,
	    .busy = PTHREAD_RWLOCK_INITIALIZER};

/* -- errors ------------------------------------------------------------------
 */

static int errno_of(int rc)
{
	switch (rc) {
	case VHD_E_NOMEM:
		return ENOMEM;
	case VHD_E_NOSPACE:
		return ENOSPC;
	case VHD_E_READONLY:
	case VHD_E_ACCESS:
		return EPERM;
	case VHD_E_RANGE:
	case VHD_E_ALIGN:
	case VHD_E_INVALID:
		return EINVAL;
	case VHD_E_BUSY:
		return ESHUTDOWN;
	default:
		return EIO;
	}
}

/* says it, and returns -1 as all callbacks do */
static int fail(int rc, const struct vhd_diag *diag)
{
	const char *path = diag->path[0] ? diag->path : config.path;

	nbdkit_error("%s: %s%s%s", path,
		     diag->text[0] ? diag->text : vhd_strerror(rc),
		     diag->hint ? "; " : "", diag->hint ? diag->hint : "");
	nbdkit_set_error(errno_of(rc));
	return -1;
}

/* -- configuration -----------------------------------------------------------
 */

static int set_format(const char *value)
{
	config.format = format_from_name(value);
	if (config.format)
		return 0;
	nbdkit_error("format must be raw, vhd or vhdx, not %s", value);
	return -1;
}

static int set_path(char **target, const char *value)
{
	free(*target);
	*target = nbdkit_absolute_path(value);
	return *target ? 0 : -1;
}

static int add_root(const char *value)
{
	if (config.root_count == ROOTS_MAX) {
		nbdkit_error("more than %u parent-root", ROOTS_MAX);
		return -1;
	}
	return set_path(&config.roots[config.root_count++], value);
}

static int set_flag(bool *target, const char *value)
{
	int flag = nbdkit_parse_bool(value);

	*target = flag > 0;
	return flag < 0 ? -1 : 0;
}

static int vhd_config(const char *key, const char *value)
{
	if (!strcmp(key, "file"))
		return set_path(&config.path, value);
	if (!strcmp(key, "parent"))
		return set_path(&config.parent, value);
	if (!strcmp(key, "parent-root"))
		return add_root(value);
	if (!strcmp(key, "format"))
		return set_format(value);
	if (!strcmp(key, "ignore-children"))
		return set_flag(&config.ignore_children, value);
	if (!strcmp(key, "confine"))
		return set_flag(&config.confine, value);
	if (!strcmp(key, "stay"))
		return set_flag(&config.stay, value);
	if (!strcmp(key, "wait"))
		return nbdkit_parse_unsigned("wait", value, &config.wait);
	nbdkit_error("unknown parameter '%s'", key);
	return -1;
}

static int vhd_config_complete(void)
{
	if (!config.path) {
		nbdkit_error("file=IMAGE is needed");
		return -1;
	}
	/* never by the content, which a guest may have written */
	if (!config.format)
		config.format = format_from_path(config.path);
	if (!config.format) {
		nbdkit_error("%s: format=raw, vhd or vhdx is needed: its name "
			     "does not say",
			     config.path);
		return -1;
	}
	return 0;
}

/* -- the disk ----------------------------------------------------------------
 */

static int open_image(uint32_t flags, struct vhd_disk **out,
		      struct vhd_diag *diag)
{
	const struct vhd_disk_options o = {
		.size = sizeof(o),
		.format = config.format,
		.flags =
			flags |
			(config.ignore_children ? VHD_DISK_IGNORE_CHILDREN : 0),
		.parent = config.parent,
		.parent_roots = (const char *const *)config.roots,
		.parent_root_count = config.root_count,
	};

	return vhd_disk_open(config.path, &o, out, diag);
}

static int try_image(void)
{
	struct vhd_diag diag = {0};
	struct vhd_disk *disk;
	int rc = open_image(VHD_DISK_FORCE_SHARE, &disk, &diag);

	if (rc)
		return fail(rc, &diag);
	vhd_disk_close(disk);
	return 0;
}

/* what is wrong with the image is said before the server goes to the background
 */
static int vhd_get_ready(void)
{
	if (config.stay)
		prctl(PR_SET_PDEATHSIG, 0);
	return config.confine ? 0 : try_image();
}

/* now nbdkit has its sockets */
static int vhd_after_fork(void)
{
	struct open_options options = {.parent = config.parent};

	if (!config.confine)
		return 0;
	for (unsigned i = 0; i < config.root_count; i++)
		option_list_add(&options.parent_roots, config.roots[i]);
	confine_server(config.path, &options, false, NULL);
	free(options.parent_roots.items);
	return try_image();
}

/* with the mutex */
static int open_shared(bool writable)
{
	uint32_t flags = writable ? VHD_DISK_WRITE : VHD_DISK_VERIFY;
	struct vhd_diag diag = {0};
	int rc = open_image(flags, &shared.disk, &diag);

	if (rc == VHD_E_BUSY && config.wait) {
		diag = (struct vhd_diag){0};
		rc = open_image(flags | VHD_DISK_INACTIVE, &shared.disk, &diag);
	}
	if (rc) {
		shared.disk = NULL;
		return fail(rc, &diag);
	}
	shared.writable = writable;
	shared.active = vhd_disk_is_active(shared.disk);
	return 0;
}

/* one host, one disk: what the first connection got the others get as well */
static void *vhd_open(int readonly)
{
	int rc = 0;

	pthread_mutex_lock(&shared.mutex);
	if (!shared.disk)
		rc = open_shared(!readonly);
	if (!rc)
		shared.users++;
	pthread_mutex_unlock(&shared.mutex);
	return rc ? NULL : NBDKIT_HANDLE_NOT_NEEDED;
}

/* with the mutex */
static void close_shared(void)
{
	struct vhd_diag diag = {0};
	int rc = 0;

	if (shared.active)
		rc = vhd_disk_shut(shared.disk, &diag);
	if (rc)
		fail(rc, &diag);
	vhd_disk_close(shared.disk);
	shared.disk = NULL;
	shared.active = false;
}

static void vhd_close(void *handle)
{
	(void)handle;
	pthread_mutex_lock(&shared.mutex);
	if (!--shared.users && shared.disk)
		close_shared();
	pthread_mutex_unlock(&shared.mutex);
}

/* The server ends, and may not close the last connections any more. A request
 * that does not end loses no more than a crash would. */
static void vhd_cleanup(void)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 5;
	if (pthread_rwlock_timedwrlock(&shared.busy, &limit))
		return;
	pthread_mutex_lock(&shared.mutex);
	if (shared.disk)
		close_shared();
	pthread_mutex_unlock(&shared.mutex);
	pthread_rwlock_unlock(&shared.busy);
}

static void sleep_ms(unsigned ms)
{
	const struct timespec t = {.tv_sec = ms / 1000,
				   .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

/* takes the lock that another host has had */
static int activate(void)
{
	unsigned tries = config.wait * 1000 / RETRY_MS;
	struct vhd_diag diag;
	int rc = 0;

	pthread_mutex_lock(&shared.mutex);
	for (unsigned i = 0; !shared.active; i++) {
		diag = (struct vhd_diag){0};
		rc = vhd_disk_activate(shared.disk, &diag);
		shared.active = !rc;
		if (rc != VHD_E_BUSY || i >= tries)
			break;
		sleep_ms(RETRY_MS);
	}
	pthread_mutex_unlock(&shared.mutex);
	return rc ? fail(rc, &diag) : 0;
}

static void leave(void)
{
	pthread_rwlock_unlock(&shared.busy);
}

/* before each request; -1 after an error was said, else leave() follows */
static int enter(void)
{
	pthread_rwlock_rdlock(&shared.busy);
	if (atomic_load_explicit(&shared.active, memory_order_acquire) ||
	    (shared.disk && !activate()))
		return 0;
	leave();
	return -1;
}

/* -- what it can do ----------------------------------------------------------
 */

static int64_t vhd_get_size(void *handle)
{
	(void)handle;
	return (int64_t)vhd_disk_size(shared.disk);
}

static int vhd_can_write(void *handle)
{
	(void)handle;
	return shared.writable;
}

static int yes(void *handle)
{
	(void)handle;
	return 1;
}

static int vhd_can_fua(void *handle)
{
	(void)handle;
	return NBDKIT_FUA_NATIVE;
}

static int vhd_can_cache(void *handle)
{
	(void)handle;
	return NBDKIT_CACHE_NATIVE;
}

static int vhd_block_size(void *handle, uint32_t *minimum, uint32_t *preferred,
			  uint32_t *maximum)
{
	(void)handle;
	*minimum = vhd_disk_sector_size(shared.disk);
	*preferred = 4096;
	*maximum = 0xFFFFFFFF;
	return 0;
}

/* -- requests ----------------------------------------------------------------
 */

static int end(int rc, uint32_t flags, struct vhd_diag *diag)
{
	if (!rc && (flags & NBDKIT_FLAG_FUA))
		rc = vhd_disk_flush(shared.disk, diag);
	leave();
	return rc ? fail(rc, diag) : 0;
}

static int vhd_pread(void *handle, void *buf, uint32_t count, uint64_t offset,
		     uint32_t flags)
{
	struct vhd_diag diag = {0};

	(void)handle;
	(void)flags;
	if (enter())
		return -1;
	return end(vhd_disk_read(shared.disk, offset, buf, count, &diag), 0,
		   &diag);
}

static int vhd_pwrite(void *handle, const void *buf, uint32_t count,
		      uint64_t offset, uint32_t flags)
{
	struct vhd_diag diag = {0};

	(void)handle;
	if (enter())
		return -1;
	return end(vhd_disk_write(shared.disk, offset, buf, count, &diag),
		   flags, &diag);
}

static int vhd_flush(void *handle, uint32_t flags)
{
	struct vhd_diag diag = {0};

	(void)handle;
	(void)flags;
	if (enter())
		return -1;
	return end(vhd_disk_flush(shared.disk, &diag), 0, &diag);
}

static int vhd_trim(void *handle, uint32_t count, uint64_t offset,
		    uint32_t flags)
{
	struct vhd_diag diag = {0};

	(void)handle;
	if (enter())
		return -1;
	return end(vhd_disk_discard(shared.disk, offset, count, &diag), flags,
		   &diag);
}

static int vhd_zero(void *handle, uint32_t count, uint64_t offset,
		    uint32_t flags)
{
	struct vhd_diag diag = {0};
	int rc;

	(void)handle;
	if (enter())
		return -1;
	rc = flags & NBDKIT_FLAG_MAY_TRIM
		     ? vhd_disk_zero(shared.disk, offset, count, &diag)
		     : vhd_disk_write_zeros(shared.disk, offset, count, &diag);
	return end(rc, flags, &diag);
}

static int add_extents(uint64_t offset, uint64_t stop, bool one,
		       struct nbdkit_extents *extents)
{
	struct vhd_diag diag = {0};
	struct vhd_extent e;
	int rc;

	do {
		rc = vhd_disk_extent(shared.disk, offset, stop - offset, &e,
				     &diag);
		if (rc)
			return fail(rc, &diag);
		rc = nbdkit_add_extent(extents, offset, e.length,
				       e.kind == VHD_EXTENT_ZERO
					       ? NBDKIT_EXTENT_HOLE |
							 NBDKIT_EXTENT_ZERO
					       : 0);
		offset += e.length;
	} while (!rc && !one && offset < stop);
	return rc;
}

static int vhd_extents(void *handle, uint32_t count, uint64_t offset,
		       uint32_t flags, struct nbdkit_extents *extents)
{
	int rc;

	(void)handle;
	if (enter())
		return -1;
	rc = add_extents(offset, offset + count, flags & NBDKIT_FLAG_REQ_ONE,
			 extents);
	leave();
	return rc;
}

static void read_ahead(const struct vhd_extent *e)
{
	struct vhd_image *image = vhd_disk_image(shared.disk, e->depth);
	int fd = e->kind == VHD_EXTENT_DATA
			 ? vhd_image_data_fd(image, e->offset, e->length)
			 : -1;

	if (fd >= 0)
		(void)posix_fadvise(fd, (off_t)e->offset, (off_t)e->length,
				    POSIX_FADV_WILLNEED);
}

/* what is asked for next; an error will be said by the read */
static int vhd_cache(void *handle, uint32_t count, uint64_t offset,
		     uint32_t flags)
{
	uint64_t stop = offset + count;
	struct vhd_extent e;

	(void)handle;
	(void)flags;
	if (enter())
		return -1;
	for (; offset < stop; offset += e.length) {
		if (vhd_disk_extent(shared.disk, offset, stop - offset, &e,
				    NULL))
			break;
		read_ahead(&e);
	}
	leave();
	return 0;
}

static void vhd_unload(void)
{
	free(config.path);
	free(config.parent);
	for (unsigned i = 0; i < config.root_count; i++)
		free(config.roots[i]);
}

static void vhd_dump(void)
{
	printf("libvhd_version=%s\n", vhd_version());
}

#define HELP                                                                   \
	"[file=]IMAGE          (required) a VHD or VHDX image, or the newest " \
	"of a chain\n"                                                         \
	"format=raw|vhd|vhdx   default: by the extension\n"                    \
	"parent=PATH           the image's parent\n"                           \
	"parent-root=DIR       parents may lie below DIR (repeatable)\n"       \
	"ignore-children=true  write even if other images have this one as "   \
	"parent\n"                                                             \
	"confine=true          give up all that this image does not need\n"    \
	"stay=true             do not end with the process that started "      \
	"nbdkit\n"                                                             \
	"wait=SECONDS          how long requests wait for another host that "  \
	"has the image"

static struct nbdkit_plugin plugin = {
	.name = "vhd",
	.longname = "VHD and VHDX images",
	.version = VHD_VERSION_STRING,
	.description = "serves VHD and VHDX images, chains of them too",
	.config = vhd_config,
	.config_complete = vhd_config_complete,
	.config_help = HELP,
	.magic_config_key = "file",
	.dump_plugin = vhd_dump,
	.unload = vhd_unload,
	.cleanup = vhd_cleanup,
	.get_ready = vhd_get_ready,
	.after_fork = vhd_after_fork,
	.open = vhd_open,
	.close = vhd_close,
	.get_size = vhd_get_size,
	.can_write = vhd_can_write,
	.can_flush = yes,
	.can_trim = yes,
	.can_zero = yes,
	.can_fua = vhd_can_fua,
	.can_extents = yes,
	.can_multi_conn = yes,
	.can_cache = vhd_can_cache,
	.block_size = vhd_block_size,
	.pread = vhd_pread,
	.pwrite = vhd_pwrite,
	.flush = vhd_flush,
	.trim = vhd_trim,
	.zero = vhd_zero,
	.extents = vhd_extents,
	.cache = vhd_cache,
	/* errors are set by nbdkit_set_error() */
	.errno_is_preserved = 0,
};

/* what the macro defines has no prototype */
struct nbdkit_plugin *plugin_init(void);
NBDKIT_REGISTER_PLUGIN(plugin)
