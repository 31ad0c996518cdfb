/* SPDX-License-Identifier: BSD-2-Clause */
#include "view.h"

#include <errno.h>

/* layers other than the leaf never change */
static bool overlap(const struct view *a, const struct view *b)
{
	return a->layer == 0 && b->layer == 0 &&
	       a->start < b->start + b->length &&
	       b->start < a->start + a->length;
}

static bool written_elsewhere(const struct views *views,
			      const struct view *view)
{
	for (size_t i = 0; i < views->count; i++) {
		const struct view *other = &views->items[i];

		if (other != view && other->writers && overlap(other, view))
			return true;
	}
	return false;
}

int view_open(struct views *views, struct view *view, bool for_writing,
	      bool *cached)
{
	bool shared;

	if (for_writing && !view->writable)
		return EROFS;
	pthread_mutex_lock(&views->mutex);
	shared = written_elsewhere(views, view);
	if (for_writing && !shared)
		view->writers++;
	pthread_mutex_unlock(&views->mutex);
	if (for_writing && shared)
		return EBUSY;
	*cached = !shared;
	return 0;
}

void view_release(struct views *views, struct view *view, bool for_writing)
{
	if (!for_writing)
		return;
	pthread_mutex_lock(&views->mutex);
	view->writers--;
	pthread_mutex_unlock(&views->mutex);
}

int view_errno(int error)
{
	switch (error) {
	case 0:
		return 0;
	case VHD_E_NOMEM:
		return ENOMEM;
	case VHD_E_NOENT:
		return ENOENT;
	case VHD_E_ACCESS:
		return EACCES;
	case VHD_E_EXISTS:
		return EEXIST;
	case VHD_E_NOSPACE:
		return ENOSPC;
	case VHD_E_READONLY:
		return EROFS;
	case VHD_E_BUSY:
		return EBUSY;
	case VHD_E_INVALID:
	case VHD_E_ALIGN:
		return EINVAL;
	case VHD_E_RANGE:
		return EFBIG;
	case VHD_E_UNSUPPORTED:
		return EOPNOTSUPP;
	default:
		return EIO;
	}
}
