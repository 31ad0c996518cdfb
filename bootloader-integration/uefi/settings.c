/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings.h"

#include "chain.h"
#include "core/diag.h"
#include "devpath.h"
#include "firmware.h"
#include "memory.h"
#include "text.h"
#include "volume.h"

struct work {
	struct volume volume;
	char program[CHAIN_PATH];
	char path[CHAIN_PATH];
	char text[CONF_BYTES];
};

/* the file beside the program; false if that is not known */
static bool beside_program(struct work *w)
{
	char raw[CHAIN_PATH];

	return firmware_self->file &&
	       devpath_file_text(firmware_self->file, raw, sizeof(raw)) &&
	       text_path(w->program, sizeof(w->program), raw) &&
	       text_beside(w->path, sizeof(w->path), w->program, SETTINGS_NAME);
}

static int64_t read_text(struct work *w, struct vhd_diag *diag)
{
	int64_t n = VHD_E_NOENT;

	if (beside_program(w))
		n = chain_read_file(&w->volume.fs, w->path, w->text,
				    sizeof(w->text), diag);
	if (n != VHD_E_NOENT)
		return n;
	diag->path[0] = '\0';
	text_take(w->path, sizeof(w->path), SETTINGS_PATH,
		  sizeof(SETTINGS_PATH) - 1);
	return chain_read_file(&w->volume.fs, w->path, w->text, sizeof(w->text),
			       diag);
}

static int parse(struct work *w, struct conf *conf, struct vhd_diag *diag)
{
	int64_t n = read_text(w, diag);
	int rc = n < 0 ? (int)n : 0;

	if (rc)
		return rc;
	rc = conf_parse(conf, w->text, (size_t)n, diag);
	if (rc)
		text_take(diag->path, sizeof(diag->path), w->path,
			  text_length(w->path));
	return rc;
}

int settings_read(struct conf **out, struct vhd_diag *diag)
{
	struct conf *conf = memory_get(sizeof(*conf));
	struct work *w = memory_get(sizeof(*w));
	int rc = conf && w ? volume_open(&w->volume, "", diag)
			   : firmware_fail(diag, VHD_E_NOMEM,
					   EFI_OUT_OF_RESOURCES);

	if (!rc) {
		rc = parse(w, conf, diag);
		volume_close(&w->volume);
	}
	memory_put(w);
	if (rc) {
		memory_put(conf);
		return rc;
	}
	*out = conf;
	return 0;
}
