/* SPDX-License-Identifier: BSD-2-Clause */
/* Creating images: deciding what is not said, refusing what cannot be. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/checked.h"
#include "core/diag.h"
#include "core/guid.h"
#include "core/vhd1_open.h"
#include "core/vhdx_open.h"
#include "create.h"
#include "file/file.h"
#include "file/random.h"
#include "output.h"

#define DEFAULT_BLOCK ((uint32_t)2 << 20)
/* a fixed VHDX this large gets larger blocks, or its table would be huge */
#define LARGE_FIXED VHD_TIB
#define LARGE_BLOCK ((uint32_t)32 << 20)

static int invalid(struct vhd_diag *diag, const char *text)
{
	return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET, text);
}

static struct vhd_create_options known(const struct vhd_create_options *options)
{
	struct vhd_create_options all = {0};

	memcpy(&all, options, vhd_min(options->size, sizeof(all)));
	return all;
}

/* what a child takes over from its parent */
static int inherit(const struct vhd_create_options *o, struct vhd_make *m,
		   struct vhd_diag *diag)
{
	struct vhd_image *parent = vhd_disk_image(o->parent, 0);
	struct vhd_image_info info;
	struct stat st;
	int fd;

	vhd_image_get_info(parent, &info);
	if (info.format != o->format)
		return invalid(diag, "a child has the format of its parent");
	if (!o->parent_name || !*o->parent_name)
		return invalid(diag, "the parent needs a name");
	m->type = VHD_TYPE_DIFFERENCING;
	m->parent_name = o->parent_name;
	m->parent_link = info.link_id;
	if (o->format == VHD_FORMAT_VHDX) /* the disk stays the same one */
		m->id = info.id;
	if (!m->size)
		m->size = info.virtual_size;
	if (m->size < info.virtual_size)
		return invalid(diag, "a child cannot be smaller than its "
				     "parent");
	if (o->logical_sector_size &&
	    o->logical_sector_size != info.logical_sector_size)
		return invalid(diag, "a child has the logical sector size of "
				     "its parent");
	m->logical_sector_size = info.logical_sector_size;
	if (!m->physical_sector_size)
		m->physical_sector_size = info.physical_sector_size;
	if (!m->block_size && o->format == VHD_FORMAT_VHD)
		m->block_size = info.block_size;
	fd = vhd_file_fd(vhd_image_file(parent));
	if (fd >= 0 && !fstat(fd, &st))
		m->parent_timestamp = st.st_mtime;
	return 0;
}

/* reproducible write GUIDs: the id, told apart by one byte */
static void derive_guids(struct vhd_make *m)
{
	for (int i = 0; i < 2; i++) {
		m->write_guids[i] = m->id;
		m->write_guids[i].b[15] ^= (uint8_t)(0x5A + i);
	}
}

static int choose_ids(const struct vhd_create_options *o, struct vhd_make *m)
{
	int rc = 0;

	if (o->flags & VHD_CREATE_FIXED_ID) {
		m->id = o->id;
		m->timestamp = o->timestamp;
		derive_guids(m);
		return 0;
	}
	m->timestamp = o->timestamp ? o->timestamp : time(NULL);
	if (!vhd_guid_is_null(&o->id))
		m->id = o->id;
	else if (vhd_guid_is_null(&m->id))
		rc = vhd_random_guid(&m->id);
	for (int i = 0; i < 2 && !rc; i++)
		rc = vhd_random_guid(&m->write_guids[i]);
	return rc;
}

static void choose_defaults(struct vhd_make *m)
{
	bool large = m->format == VHD_FORMAT_VHDX &&
		     m->type == VHD_TYPE_FIXED && m->size >= LARGE_FIXED;

	if (!m->type)
		m->type = VHD_TYPE_DYNAMIC;
	if (!m->block_size)
		m->block_size = large ? LARGE_BLOCK : DEFAULT_BLOCK;
	if (!m->logical_sector_size)
		m->logical_sector_size = 512;
	if (!m->physical_sector_size)
		m->physical_sector_size =
			m->format == VHD_FORMAT_VHD ? 512 : 4096;
	m->reserve = vhd_max(m->reserve, m->size);
}

static bool is_sector(uint32_t size)
{
	return size == 512 || size == 4096;
}

static int check_vhdx(const struct vhd_make *m, struct vhd_diag *diag)
{
	if (!vhd_is_pow2(m->block_size) || m->block_size < VHDX_BLOCK_MIN ||
	    m->block_size > VHDX_BLOCK_MAX)
		return invalid(diag, "the block size of a VHDX is a power of "
				     "two from 1 MiB to 256 MiB");
	if (!is_sector(m->logical_sector_size) ||
	    !is_sector(m->physical_sector_size))
		return invalid(diag, "sectors have 512 or 4096 bytes");
	if (m->reserve > VHDX_DISK_MAX)
		return invalid(diag, "a VHDX has at most 64 TiB");
	if (m->azure)
		return invalid(diag, "Azure takes VHD, not VHDX");
	return 0;
}

static int check_vhd1(const struct vhd_make *m, struct vhd_diag *diag)
{
	if (m->logical_sector_size != 512)
		return invalid(diag, "a VHD has sectors of 512 bytes");
	if (m->azure && m->type != VHD_TYPE_FIXED)
		return invalid(diag, "Azure takes fixed images");
	if (m->azure && !vhd_is_aligned(m->size, VHD_MIB))
		return invalid(diag, "Azure takes whole MiB");
	if (m->type == VHD_TYPE_FIXED)
		return 0;
	if (m->block_size != (512u << 10) && m->block_size != (2u << 20))
		return invalid(diag, "the block size of a VHD is 512 KiB or "
				     "2 MiB");
	if (m->reserve > VHD1_SPARSE_MAX)
		return invalid(diag, "a dynamic or differencing VHD has at "
				     "most 2040 GiB");
	/* the last block must begin below 2 TiB of file: 11.1 */
	if (vhd1_make_size(m,
			   vhd_shift_up(m->size, vhd_shift_of(m->block_size))) -
		    m->block_size >
	    (uint64_t)UINT32_MAX * 512)
		return invalid(diag, "with blocks of 512 KiB a VHD of this "
				     "size would not fit its own table; use "
				     "2 MiB");
	return 0;
}

int vhd_create_decide(const struct vhd_create_options *options,
		      struct vhd_make *out, struct vhd_diag *diag)
{
	struct vhd_create_options o = known(options);
	struct vhd_make m = {
		.format = o.format,
		.type = o.type,
		.size = o.virtual_size,
		.reserve = o.reserve,
		.block_size = o.block_size,
		.logical_sector_size = o.logical_sector_size,
		.physical_sector_size = o.physical_sector_size,
		.preallocate = o.flags & VHD_CREATE_PREALLOCATE,
		.azure = o.flags & VHD_CREATE_AZURE,
	};
	int rc = 0;

	if (o.format != VHD_FORMAT_VHD && o.format != VHD_FORMAT_VHDX)
		return invalid(diag, "an image has the format VHD or VHDX");
	if (o.parent && o.type && o.type != VHD_TYPE_DIFFERENCING)
		return invalid(diag, "only a differencing image has a parent");
	if (!o.parent && o.type == VHD_TYPE_DIFFERENCING)
		return invalid(diag, "a differencing image needs a parent");
	if (o.parent && m.preallocate)
		return invalid(diag, "a differencing image is not "
				     "preallocated");
	if (m.azure && !m.type)
		m.type = VHD_TYPE_FIXED;
	if (o.parent)
		rc = inherit(&o, &m, diag);
	if (rc)
		return rc;
	choose_defaults(&m);
	if (!m.size || !vhd_is_aligned(m.size, m.logical_sector_size))
		return invalid(diag, "the size is no whole number of sectors");
	rc = o.format == VHD_FORMAT_VHD ? check_vhd1(&m, diag)
					: check_vhdx(&m, diag);
	if (rc)
		return rc;
	rc = choose_ids(&o, &m);
	if (rc)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				"no random numbers to be had");
	*out = m;
	return 0;
}

static int preallocate(struct vhd_file *file)
{
	uint64_t size;
	int fd = vhd_file_fd(file), rc = vhd_file_size(file, &size);

	if (rc || fd < 0)
		return rc;
	do {
		rc = posix_fallocate(fd, 0, (off_t)size);
	} while (rc == EINTR);
	return vhd_error_of_errno(rc);
}

int vhd_create_in(struct vhd_file *file, const struct vhd_make *make,
		  struct vhd_diag *diag)
{
	int rc = make->format == VHD_FORMAT_VHD ? vhd1_make(file, make)
						: vhdx_make(file, make);

	if (!rc && make->preallocate)
		rc = preallocate(file);
	if (rc == VHD_E_INVALID)
		return invalid(diag, "the parent's name cannot be stored");
	if (rc)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				rc == VHD_E_NOSPACE ? vhd_strerror(rc)
						    : "cannot be written");
	return 0;
}

int vhd_create(const char *path, const struct vhd_create_options *options,
	       struct vhd_diag *diag)
{
	struct vhd_output output;
	struct vhd_file *file;
	struct vhd_make make = {0};
	int rc = vhd_create_decide(options, &make, diag);

	if (rc)
		return rc;
	if (!strcmp(path, "-"))
		return invalid(diag, "an image cannot be created in a stream");
	rc = vhd_output_open(path, known(options).flags & VHD_CREATE_FORCE,
			     &output, diag);
	if (rc)
		return rc;
	rc = vhd_file_open_fd(dup(output.fd), VHD_FILE_WRITE, &file, diag);
	if (!rc) {
		rc = vhd_create_in(file, &make, diag);
		vhd_file_close(file);
	}
	if (rc) {
		vhd_output_fail_path(diag, path);
		vhd_output_abort(&output);
		return rc;
	}
	return vhd_output_commit(&output, diag);
}
