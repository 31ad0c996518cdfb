/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file that appears complete or not at all. It is written without a name
 * (O_TMPFILE), so that nothing remains if the process is killed; where the host
 * file system has no such files, under a temporary name in the same folder. Or
 * it is built under a name that stays (partial.h), to be continued.
 */
#ifndef VHD_OPS_OUTPUT_H
#define VHD_OPS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libvhd/error.h>

enum vhd_output_kind {
	VHD_OUTPUT_FILE,
	VHD_OUTPUT_STREAM, /* "-": descriptor 1 */
	VHD_OUTPUT_DEVICE, /* an existing block device, written in place */
};

struct vhd_output {
	enum vhd_output_kind kind;
	int fd;
	bool force;
	char *path; /* final name */
	char *temp; /* temporary name, or NULL if it has none */
	/* of a conversion that can be continued (partial.h) */
	bool resumable;
	bool found; /* it holds what an earlier run left */
	bool keep;  /* temp stays when the output is aborted */
};

/* vhd_fail() that names the output. */
int vhd_output_fail(struct vhd_diag *diag, int error, const char *path,
		    const char *text);

/* Puts the output's name into a diag that was just filled. */
void vhd_output_fail_path(struct vhd_diag *diag, const char *path);

/* VHD_E_EXISTS if the path exists and `force` is false. */
int vhd_output_open(const char *path, bool force, struct vhd_output *out,
		    struct vhd_diag *diag);

/* Makes the content durable under the name `temp`, which must not exist. */
int vhd_output_name(struct vhd_output *out, const char *temp);

/* Makes the content durable and gives it its name. Closes in any case. */
int vhd_output_commit(struct vhd_output *out, struct vhd_diag *diag);

/* Forgets everything written, unless it is to be kept. */
void vhd_output_abort(struct vhd_output *out);

/* Writes all of buf to the stream or at the file position. */
int vhd_output_write(struct vhd_output *out, const void *buf, size_t len);
int vhd_output_write_at(struct vhd_output *out, uint64_t offset,
			const void *buf, size_t len);

#endif
