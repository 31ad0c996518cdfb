/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NTFS through libntfs-3g, which reads the volume by device operations of ours.
 *
 * A volume is believed if Windows left it cleanly: no dirty flag, an empty or
 * closed $LogFile, no hibernation file in use. NTFS keeps no second count of
 * free clusters, so as a check the clusters of the boot sector, of $MFT and of
 * the bitmaps themselves must be marked as used.
 */
#include <errno.h>
#include <stdarg.h> /* libntfs-3g's headers lack it */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <ntfs-3g/types.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/logfile.h>
#include <ntfs-3g/runlist.h>
#include <ntfs-3g/volume.h>

#include "volume.h"

/* Flags with which Linux mounts a volume read-only at most. */
#define MUST_NOT_WRITE                                                         \
	(VOLUME_IS_DIRTY | VOLUME_RESIZE_LOG_FILE |                            \
	 VOLUME_DELETE_USN_UNDERWAY | VOLUME_REPAIR_OBJECT_ID |                \
	 VOLUME_CHKDSK_UNDERWAY | VOLUME_MODIFIED_BY_CHKDSK)

/* -- the device ------------------------------------------------------------ */

struct position {
	const struct area *area;
	s64 offset;
};

static int device_open(struct ntfs_device *device, int flags)
{
	(void)flags;
	device->d_state |= 1ul << ND_Open | 1ul << ND_ReadOnly;
	return 0;
}

static int device_close(struct ntfs_device *device)
{
	device->d_state &= ~(1ul << ND_Open);
	return 0;
}

static s64 device_seek(struct ntfs_device *device, s64 offset, int whence)
{
	struct position *position = device->d_private;
	s64 length = (s64)position->area->length;
	s64 base = whence == SEEK_CUR   ? position->offset
		   : whence == SEEK_END ? length
					: 0;

	if (offset < -base || offset > length - base) {
		errno = EINVAL;
		return -1;
	}
	position->offset = base + offset;
	return position->offset;
}

static s64 device_pread(struct ntfs_device *device, void *buf, s64 count,
			s64 offset)
{
	const struct position *position = device->d_private;

	if (offset < 0 || count < 0 ||
	    area_read(position->area, (uint64_t)offset, buf, (size_t)count)) {
		errno = EIO;
		return -1;
	}
	return count;
}

static s64 device_read(struct ntfs_device *device, void *buf, s64 count)
{
	struct position *position = device->d_private;
	s64 got = device_pread(device, buf, count, position->offset);

	if (got > 0)
		position->offset += got;
	return got;
}

static s64 device_write(struct ntfs_device *device, const void *buf, s64 count)
{
	(void)device, (void)buf, (void)count;
	errno = EROFS;
	return -1;
}

static s64 device_pwrite(struct ntfs_device *device, const void *buf, s64 count,
			 s64 offset)
{
	(void)offset;
	return device_write(device, buf, count);
}

static int device_sync(struct ntfs_device *device)
{
	(void)device;
	return 0;
}

static int device_stat(struct ntfs_device *device, struct stat *out)
{
	const struct position *position = device->d_private;

	memset(out, 0, sizeof(*out));
	out->st_mode = S_IFREG | S_IRUSR;
	out->st_size = (off_t)position->area->length;
	return 0;
}

static int device_ioctl(struct ntfs_device *device, unsigned long request,
			void *argument)
{
	(void)device, (void)request, (void)argument;
	errno = EOPNOTSUPP;
	return -1;
}

static struct ntfs_device_operations device_operations = {
	.open = device_open,
	.close = device_close,
	.seek = device_seek,
	.read = device_read,
	.write = device_write,
	.pread = device_pread,
	.pwrite = device_pwrite,
	.sync = device_sync,
	.stat = device_stat,
	.ioctl = device_ioctl,
};

/* -- what may be believed -------------------------------------------------- */

static bool log_is_clean(ntfs_volume *ntfs)
{
	RESTART_PAGE_HEADER *page = NULL;
	bool clean = false;
	ntfs_attr *log;
	ntfs_inode *inode = ntfs_inode_open(ntfs, FILE_LogFile);

	if (!inode)
		return false;
	log = ntfs_attr_open(inode, AT_DATA, AT_UNNAMED, 0);
	if (log) {
		clean = ntfs_check_logfile(log, &page) &&
			ntfs_is_logfile_clean(log, page);
		free(page);
		ntfs_attr_close(log);
	}
	ntfs_inode_close(inode);
	return clean;
}

static enum fsmap_state judge(ntfs_volume *ntfs, const struct volume *volume)
{
	if (ntfs->nr_clusters <= 0 ||
	    (uint64_t)ntfs->nr_clusters >
		    volume->area.length / ntfs->cluster_size)
		return FSMAP_TRUNCATED;
	if (ntfs_volume_check_hiberfile(ntfs, 0) < 0)
		return errno == EPERM ? FSMAP_SUSPENDED : FSMAP_DAMAGED;
	if (ntfs->flags & MUST_NOT_WRITE || !log_is_clean(ntfs))
		return FSMAP_DIRTY;
	return FSMAP_CLEAN;
}

/* -- free clusters --------------------------------------------------------- */

static int add_cluster(ntfs_volume *ntfs, uint64_t cluster, struct runs *out)
{
	return runs_add(out, cluster * ntfs->cluster_size, ntfs->cluster_size);
}

/* `count` clusters from `first`, a multiple of 8, whose bits are at `bits`. */
static int add_bits(ntfs_volume *ntfs, const unsigned char *bits,
		    uint64_t first, uint64_t count, struct runs *out)
{
	for (uint64_t i = 0; i < count; i++) {
		unsigned byte = bits[i / 8];

		if (byte == 0xff) {
			i |= 7;
			continue;
		}
		if (!(byte >> i % 8 & 1) && add_cluster(ntfs, first + i, out))
			return -1;
	}
	return 0;
}

static int add_all(ntfs_volume *ntfs, struct runs *out)
{
	unsigned char bits[16384];
	const uint64_t piece = 8 * sizeof(bits);
	uint64_t count = (uint64_t)ntfs->nr_clusters;

	for (uint64_t done = 0; done < count; done += piece) {
		uint64_t n = count - done < piece ? count - done : piece;
		s64 len = (s64)((n + 7) / 8);

		if (ntfs_attr_pread(ntfs->lcnbmp_na, (s64)done / 8, len,
				    bits) != len ||
		    add_bits(ntfs, bits, done, n, out))
			return -1;
	}
	return 0;
}

/* True if no cluster of a file is among the unused. */
static bool is_used(ntfs_volume *ntfs, ntfs_attr *file,
		    const struct runs *unused)
{
	const uint64_t size = ntfs->cluster_size;

	if (ntfs_attr_map_whole_runlist(file))
		return false;
	for (runlist_element *r = file->rl; r && r->length; r++) {
		if (r->lcn >= 0 && r->length > 0 &&
		    runs_touch(unused, (uint64_t)r->lcn * size,
			       (uint64_t)r->length * size))
			return false;
	}
	return true;
}

static bool makes_sense(ntfs_volume *ntfs, const struct runs *unused)
{
	return !runs_touch(unused, 0, ntfs->cluster_size) &&
	       is_used(ntfs, ntfs->mft_na, unused) &&
	       is_used(ntfs, ntfs->mftmirr_na, unused) &&
	       is_used(ntfs, ntfs->mftbmp_na, unused) &&
	       is_used(ntfs, ntfs->lcnbmp_na, unused);
}

static ntfs_volume *mount(struct position *position)
{
	struct ntfs_device *device =
		ntfs_device_alloc("volume", 0, &device_operations, position);
	ntfs_volume *ntfs;

	if (!device)
		return NULL;
	ntfs = ntfs_device_mount(device, NTFS_MNT_RDONLY | NTFS_MNT_FORENSIC);
	if (!ntfs)
		ntfs_device_free(device);
	return ntfs;
}

/*
 * Behind the last cluster may follow sectors that make no whole one, the last
 * of them a copy of the boot sector.
 */
static uint64_t volume_size(const ntfs_volume *ntfs, uint64_t length)
{
	uint64_t size = ((uint64_t)ntfs->nr_clusters + 1) * ntfs->cluster_size;

	return size < length ? size : length;
}

void ntfs_read(struct volume *volume)
{
	struct position position = {.area = &volume->area};
	ntfs_volume *ntfs = mount(&position);

	volume->state = FSMAP_DAMAGED;
	if (!ntfs)
		return;
	volume->state = judge(ntfs, volume);
	if (volume->state != FSMAP_TRUNCATED)
		volume->size = volume_size(ntfs, volume->area.length);
	if (volume->state == FSMAP_CLEAN &&
	    (add_all(ntfs, &volume->unused) ||
	     !makes_sense(ntfs, &volume->unused)))
		volume->state = FSMAP_DAMAGED;
	ntfs_umount(ntfs, FALSE);
}
