/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A writer without space and locks: all it has is a journal. Each commit takes
 * pages that are consistent by themselves, so a cut between two of them leaves
 * a sound table in which some changes are made.
 */
#include "vhdx_patch.h"

#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "vhdx_journal.h"

#define PAGE 4096u

int vhdx_patch_begin(struct vhdx_patch *p, struct vhd_image *image,
		     bool content)
{
	*p = (struct vhdx_patch){.image = image, .content = content};
	if (!image->meta.vhdx.headers.current.log_length)
		return VHD_E_UNSUPPORTED;
	p->set.page_size = PAGE;
	p->set.data = malloc((size_t)VHD_PAGES_DIRTY_MAX * PAGE);
	p->writer = calloc(1, sizeof(*p->writer));
	image->writer = p->writer;
	return p->set.data && p->writer ? 0 : VHD_E_NOMEM;
}

static int commit(struct vhdx_patch *p)
{
	uint64_t size;
	int rc = vhd_file_size(p->image->file, &size);

	if (!rc && !p->started)
		rc = p->content ? vhdx_session_start(p->image)
				: vhdx_file_touch(p->image);
	p->started = true;
	if (!rc)
		rc = vhdx_journal_commit(p->image, &p->set, true, size);
	p->set.count = 0;
	return rc;
}

int vhdx_patch_put(struct vhdx_patch *p, uint64_t offset, const void *bytes,
		   size_t len)
{
	uint64_t page = vhd_round_down(offset, PAGE);
	struct vhd_page_set *set = &p->set;
	int rc = 0;

	if (!set->count || set->offsets[set->count - 1] != page) {
		if (set->count == VHD_PAGES_DIRTY_MAX)
			rc = commit(p);
		if (!rc)
			rc = vhd_file_read(p->image->file, page,
					   set->data + set->count * PAGE, PAGE);
		if (rc)
			return rc;
		set->offsets[set->count++] = page;
	}
	memcpy(set->data + (set->count - 1) * PAGE + (offset - page), bytes,
	       len);
	return 0;
}

int vhdx_patch_end(struct vhdx_patch *p, int rc)
{
	if (!rc && p->set.count)
		rc = commit(p);
	if (!rc && p->started)
		rc = vhdx_journal_close(p->image);
	if (p->writer)
		vhdx_journal_free(p->image);
	p->image->writer = NULL;
	free(p->writer);
	free(p->set.data);
	return rc;
}
