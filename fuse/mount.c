/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests of the kernel. The tree never changes, so names and attributes
 * stay valid for ever. The size of a file cannot be changed: O_TRUNC means
 * nothing, as for a block device, and other sizes are refused.
 */
#include "mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"

#define FOR_EVER 86400.0

/*
 * A request and its header must fit into one pipe, or libfuse does not splice
 * it. A pipe has at most 1 MiB (fs.pipe-max-size) without special rights. The
 * kernel takes this limit for reads as well.
 */
#define REQUEST_MAX (512u << 10)

static struct mount *mount_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct node *node_of(struct mount *m, fuse_ino_t ino)
{
	return ino && ino <= m->tree.count ? &m->tree.nodes[ino - 1] : NULL;
}

static struct view *view_of(struct mount *m, fuse_ino_t ino)
{
	struct node *n = node_of(m, ino);

	return n && n->kind == NODE_VIEW ? &m->views.items[n->view] : NULL;
}

static void init(void *userdata, struct fuse_conn_info *conn)
{
	const struct mount *m = userdata;

	conn->want |= conn->capable &
		      (FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
		       FUSE_CAP_SPLICE_MOVE | FUSE_CAP_ASYNC_READ |
		       FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS);
	/* libfuse ends the session if this is not what was mounted with */
	conn->max_read = m->max_read;
	conn->max_write = REQUEST_MAX;
	conn->max_readahead = 1 << 20;
	conn->max_background = 64;
	conn->congestion_threshold = 48;
}

/* -- names and attributes ----------------------------------------------------
 */

static void fill_stat(const struct mount *m, fuse_ino_t ino, struct stat *st)
{
	const struct node *n = &m->tree.nodes[ino - 1];

	*st = (struct stat){
		.st_ino = ino,
		.st_nlink = 1,
		.st_uid = m->uid,
		.st_gid = m->gid,
		.st_blksize = 4096,
		.st_atim.tv_sec = m->time,
		.st_mtim.tv_sec = m->time,
		.st_ctim.tv_sec = m->time,
	};
	/* folders can be searched by whoever may read the files in them */
	switch (n->kind) {
	case NODE_FOLDER:
		st->st_mode =
			S_IFDIR | (m->mode & 0444) | (m->mode & 0444) >> 2;
		st->st_nlink = 2;
		break;
	case NODE_LINK:
		st->st_mode = S_IFLNK | 0777;
		st->st_size = (off_t)strlen(n->target);
		break;
	case NODE_INFO:
		st->st_mode = S_IFREG | (m->mode & 0444);
		st->st_size = (off_t)strlen(m->info);
		break;
	case NODE_VIEW:
		st->st_mode = S_IFREG | (m->views.items[n->view].writable
						 ? m->mode
						 : m->mode & 0444);
		st->st_size = (off_t)m->views.items[n->view].length;
		break;
	}
	st->st_blocks = st->st_size / 512;
}

static void lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct mount *m = mount_of(req);
	size_t found = node_of(m, parent)
			       ? tree_find(&m->tree, parent - 1, name)
			       : TREE_NONE;
	struct fuse_entry_param e = {
		.ino = found + 1, /* 0: remember that it is not there */
		.attr_timeout = FOR_EVER,
		.entry_timeout = FOR_EVER,
	};

	if (found != TREE_NONE)
		fill_stat(m, e.ino, &e.attr);
	fuse_reply_entry(req, &e);
}

static void getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct mount *m = mount_of(req);
	struct stat st;

	(void)fi;
	if (!node_of(m, ino)) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	fill_stat(m, ino, &st);
	fuse_reply_attr(req, &st, FOR_EVER);
}

/* times are not kept; nothing else can be changed */
static void setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr,
		    int to_set, struct fuse_file_info *fi)
{
	const struct view *view = view_of(mount_of(req), ino);
	int times = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
		    FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW |
		    FUSE_SET_ATTR_CTIME;

	if ((to_set & FUSE_SET_ATTR_SIZE) && view &&
	    (uint64_t)attr->st_size == view->length)
		to_set &= ~FUSE_SET_ATTR_SIZE;
	if (to_set & ~times)
		fuse_reply_err(req, EPERM);
	else
		getattr(req, ino, fi);
}

static void readlink_node(fuse_req_t req, fuse_ino_t ino)
{
	const struct node *n = node_of(mount_of(req), ino);

	if (n && n->kind == NODE_LINK)
		fuse_reply_readlink(req, n->target);
	else
		fuse_reply_err(req, EINVAL);
}

/* offset 0 is ".", 1 is "..", i + 2 is behind node i */
static size_t add_entry(fuse_req_t req, char *buf, size_t room,
			const char *name, fuse_ino_t ino, off_t next)
{
	struct mount *m = mount_of(req);
	struct stat st;

	fill_stat(m, ino, &st);
	return fuse_add_direntry(req, buf, room, name, &st, next);
}

static fuse_ino_t parent_of(const struct mount *m, fuse_ino_t ino)
{
	size_t parent = m->tree.nodes[ino - 1].parent;

	return parent == TREE_NONE ? FUSE_ROOT_ID : parent + 1;
}

static void readdir_node(fuse_req_t req, fuse_ino_t ino, size_t size,
			 off_t offset, struct fuse_file_info *fi)
{
	struct mount *m = mount_of(req);
	struct node *folder = node_of(m, ino);
	size_t used = 0, n, i;
	char *buf;

	(void)fi;
	if (!folder || folder->kind != NODE_FOLDER) {
		fuse_reply_err(req, ENOTDIR);
		return;
	}
	buf = malloc(size);
	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	for (; offset < 2; offset++, used += n) {
		n = add_entry(req, buf + used, size - used, offset ? ".." : ".",
			      offset ? parent_of(m, ino) : ino, offset + 1);
		if (n > size - used)
			goto reply;
	}
	i = tree_next(&m->tree, ino - 1, (size_t)offset - 2);
	for (; i != TREE_NONE; i = tree_next(&m->tree, ino - 1, i + 1)) {
		n = add_entry(req, buf + used, size - used,
			      m->tree.nodes[i].name, i + 1, (off_t)i + 3);
		if (n > size - used)
			break;
		used += n;
	}
reply:
	fuse_reply_buf(req, buf, used);
	free(buf);
}

/* -- files -------------------------------------------------------------------
 */

static bool wants_write(const struct fuse_file_info *fi)
{
	return (fi->flags & O_ACCMODE) != O_RDONLY;
}

static void open_info(fuse_req_t req, struct fuse_file_info *fi)
{
	if (wants_write(fi)) {
		fuse_reply_err(req, EROFS);
		return;
	}
	mount_of(req)->open_files++;
	fuse_reply_open(req, fi);
}

static void open_node(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct mount *m = mount_of(req);
	const struct node *n = node_of(m, ino);
	struct view *view = view_of(m, ino);
	bool cached;
	int rc;

	if (n && n->kind == NODE_INFO) {
		open_info(req, fi);
		return;
	}
	rc = view ? view_open(&m->views, view, wants_write(fi), &cached)
		  : EISDIR;
	if (rc) {
		fuse_reply_err(req, rc);
		return;
	}
	fi->direct_io = !cached;
	/* what was read before is still true only if nobody could write */
	fi->keep_cache = cached && !vhd_disk_is_writable(m->disk);
	fi->noflush = 1;
	m->open_files++;
	fuse_reply_open(req, fi);
}

static void release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct mount *m = mount_of(req);
	struct view *view = view_of(m, ino);

	if (view)
		view_release(&m->views, view, wants_write(fi));
	m->open_files--;
	m->requests++;
	fuse_reply_err(req, 0);
}

static void read_info(fuse_req_t req, const struct mount *m, size_t size,
		      off_t offset)
{
	size_t length = strlen(m->info);
	size_t at = (size_t)offset < length ? (size_t)offset : length;

	fuse_reply_buf(req, m->info + at,
		       size < length - at ? size : length - at);
}

static void read_node(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		      struct fuse_file_info *fi)
{
	struct mount *m = mount_of(req);
	const struct view *view = view_of(m, ino);

	(void)fi;
	if (view)
		io_read(req, view, (uint64_t)offset, size);
	else
		read_info(req, m, size, offset);
}

static void write_node(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in,
		       off_t offset, struct fuse_file_info *fi)
{
	struct mount *m = mount_of(req);
	const struct view *view = view_of(m, ino);
	size_t written = 0;
	int rc;

	(void)fi;
	rc = view ? io_write(&m->views, view, (uint64_t)offset, in, &written)
		  : EBADF;
	if (rc)
		fuse_reply_err(req, rc);
	else
		fuse_reply_write(req, written);
}

static void fsync_node(fuse_req_t req, fuse_ino_t ino, int datasync,
		       struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	(void)fi;
	fuse_reply_err(req,
		       view_errno(vhd_disk_flush(mount_of(req)->disk, NULL)));
}

/*
 * A hole and a zeroed range are the same here: both must read as zeros
 * afterwards, and take no space where the format can say so. A loop device
 * turns discards and zeroing of its disk into these.
 */
static void fallocate_node(fuse_req_t req, fuse_ino_t ino, int mode,
			   off_t offset, off_t length,
			   struct fuse_file_info *fi)
{
	struct mount *m = mount_of(req);
	const struct view *view = view_of(m, ino);
	int hole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, rc;

	(void)fi;
	if (!view)
		rc = EBADF;
	else if (mode == hole ||
		 (mode & ~FALLOC_FL_KEEP_SIZE) == FALLOC_FL_ZERO_RANGE)
		rc = io_zero(&m->views, view, (uint64_t)offset,
			     (uint64_t)length);
	else
		rc = EOPNOTSUPP;
	fuse_reply_err(req, rc);
}

static void lseek_node(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
		       struct fuse_file_info *fi)
{
	const struct view *view = view_of(mount_of(req), ino);
	off_t out = 0;
	int rc = view ? io_seek(view, (uint64_t)offset, whence, &out) : EINVAL;

	(void)fi;
	if (rc)
		fuse_reply_err(req, rc);
	else
		fuse_reply_lseek(req, out);
}

static void copy_node(fuse_req_t req, fuse_ino_t in, off_t in_offset,
		      struct fuse_file_info *in_fi, fuse_ino_t out,
		      off_t out_offset, struct fuse_file_info *out_fi,
		      size_t length, int flags)
{
	struct mount *m = mount_of(req);
	const struct view *from = view_of(m, in), *to = view_of(m, out);
	size_t copied = 0;
	int rc;

	(void)in_fi;
	(void)out_fi;
	(void)flags;
	rc = from && to ? io_copy(&m->views, from, (uint64_t)in_offset, to,
				  (uint64_t)out_offset, length, &copied)
			: EXDEV;
	if (rc)
		fuse_reply_err(req, rc);
	else
		fuse_reply_write(req, copied);
}

static void statfs_node(fuse_req_t req, fuse_ino_t ino)
{
	struct mount *m = mount_of(req);
	const struct statvfs st = {
		.f_bsize = 4096,
		.f_frsize = 4096,
		.f_blocks = vhd_disk_size(m->disk) / 4096,
		.f_files = m->tree.count,
		.f_namemax = 255,
	};

	(void)ino;
	fuse_reply_statfs(req, &st);
}

const struct fuse_lowlevel_ops mount_ops = {
	.init = init,
	.lookup = lookup,
	.getattr = getattr,
	.setattr = setattr,
	.readlink = readlink_node,
	.readdir = readdir_node,
	.open = open_node,
	.release = release,
	.read = read_node,
	.write_buf = write_node,
	.fsync = fsync_node,
	.fallocate = fallocate_node,
	.lseek = lseek_node,
	.copy_file_range = copy_node,
	.statfs = statfs_node,
};
