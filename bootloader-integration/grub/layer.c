/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layer.h"

#include <grub/misc.h>
#include <grub/mm.h>

#include "complain.h"

#define ALIGNMENT 16u
/* for the pending updates of a VHDX */
#define WINDOW_MAX ((grub_size_t)16 << 20)

static int read_file(grub_file_t file, uint64_t offset, char *buf, size_t len)
{
	if (grub_file_seek(file, offset) == (grub_off_t)-1)
		return VHD_E_IO;
	return grub_file_read(file, buf, len) == (grub_ssize_t)len ? 0
								   : VHD_E_IO;
}

/* GRUB takes a length of 0 for "all that is left" */
static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	struct vhd_layer *layer = ctx;
	char *to = buf;
	int rc = 0;

	while (len && !rc) {
		size_t n = vhd_direct_read(&layer->direct, offset, to, len);

		if (!n) {
			n = vhd_direct_rest(&layer->direct, offset, len);
			rc = read_file(layer->file, offset, to, n);
		}
		offset += n;
		to += n;
		len -= n;
	}
	return rc;
}

static int try_window(struct vhd_layer *layer, const struct vhd_source *source,
		      int format, grub_size_t window, struct vhd_diag *diag)
{
	grub_size_t state = ALIGN_UP(vhd_boot_size(), ALIGNMENT);
	int rc;

	layer->memory = grub_memalign(ALIGNMENT, state + window);
	if (!layer->memory)
		return VHD_E_NOMEM;
	rc = vhd_boot_open(layer->memory, source, format,
			   (char *)layer->memory + state, window, &layer->boot,
			   diag);
	if (rc) {
		grub_free(layer->memory);
		layer->memory = NULL;
	}
	return rc;
}

static grub_err_t open_reader(struct vhd_layer *layer, grub_size_t window)
{
	struct vhd_source source = {layer, read_at,
				    grub_file_size(layer->file)};
	struct vhd_diag diag = {0};
	int format, rc;

	if (source.size == GRUB_FILE_SIZE_UNKNOWN)
		return grub_error(GRUB_ERR_BAD_FILE_TYPE,
				  "%s: its size is not known",
				  vhd_short(layer->path));
	format = vhd_boot_format(&source, layer->path, &diag);
	if (format < 0)
		return vhd_complain(layer->path, format, &diag);
	do {
		rc = try_window(layer, &source, format, window, &diag);
		window <<= 2;
	} while (rc == VHD_E_LIMIT && window <= WINDOW_MAX);
	/* updates that were announced and cannot be read: what is there may be
	 * half of something */
	if (!rc && vhd_boot_conditions(layer->boot) & VHD_COND_LOG_INVALID)
		rc = VHD_E_LOG;
	if (rc)
		return vhd_complain(layer->path, rc, &diag);
	/* of a copy that the reader can do without */
	grub_errno = GRUB_ERR_NONE;
	return GRUB_ERR_NONE;
}

static void tell_conditions(const struct vhd_layer *layer)
{
	uint32_t conditions = vhd_boot_conditions(layer->boot);
	const char *structure, *text;

	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (!(conditions & bit))
			continue;
		text = vhd_condition_text(bit, NULL, &structure);
		if (text)
			grub_printf("vhd: %s: %s: %s\n", layer->path, structure,
				    text);
	}
}

struct vhd_layer *vhd_layer_open(const char *path, grub_size_t window)
{
	struct vhd_layer *layer = grub_zalloc(sizeof(*layer));

	if (!layer)
		return NULL;
	layer->path = grub_strdup(path);
	if (!layer->path)
		goto fail;
	layer->file = grub_file_open(
		path, GRUB_FILE_TYPE_LOOPBACK | GRUB_FILE_TYPE_NO_DECOMPRESS);
	if (!layer->file)
		goto fail;
	vhd_direct_start(&layer->direct, layer->file);
	if (open_reader(layer, window))
		goto fail;
	tell_conditions(layer);
	return layer;

fail:
	vhd_layer_close(layer);
	return NULL;
}

void vhd_layer_close(struct vhd_layer *layer)
{
	if (!layer)
		return;
	if (layer->file)
		grub_file_close(layer->file);
	grub_free(layer->memory);
	grub_free(layer->path);
	grub_free(layer);
}
