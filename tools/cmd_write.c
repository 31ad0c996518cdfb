/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool write: bytes of standard input to a range of the disk. Whatever can
 * be known to be wrong before the first byte is written is refused then: the
 * length of a file, the end of a short stream. A longer stream is written as
 * it comes.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "command.h"
#include "diag.h"
#include "input.h"
#include "memory.h"
#include "range.h"

/* What is read ahead of each write. */
#define BUFFER ((size_t)4 << 20)

static struct range_options opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "offset",
	 .kind = OPTION_SIZE,
	 .target = &opt.offset,
	 .argument = "SIZE",
	 .help = "first byte, a multiple of the sector size;\n"
		 "default: 0"},
	{.name = "length",
	 .kind = OPTION_SIZE,
	 .target = &opt.length,
	 .argument = "SIZE",
	 .help = "bytes to take; default: all there are"},
	OPEN_CHAIN_OPTIONS(opt.open),
	OPEN_CHILDREN_OPTION(opt.open),
	PROGRESS_OPTIONS(opt.progress),
	{0},
};

struct writing {
	struct vhd_disk *disk;
	const char *path;
	struct input *input;
	struct progress *progress;
	unsigned char *buf; /* BUFFER + 1 bytes */
	uint64_t offset;
	uint64_t left; /* to --length, or to the end of the disk */
	uint64_t done;
};

/* What went wrong in the middle, with what has happened until then. */
static int fail_after(const struct writing *w, const char *what)
{
	return diag_error(input_name(w->input),
			  "%s; %" PRIu64 " bytes were written", what, w->done);
}

/* Checks what is known of the length beforehand; sets ->left. */
static int check_length(struct writing *w)
{
	uint64_t size = vhd_disk_size(w->disk), known;
	int rc = TOOL_DONE;

	if (opt.length.given) {
		rc = range_check(w->disk, w->path, w->offset, opt.length.bytes);
		w->left = opt.length.bytes;
		if (!rc && input_length(w->input, &known) && known < w->left)
			rc = diag_error(input_name(w->input),
					"has %" PRIu64 " bytes, --length "
					"asks for %" PRIu64,
					known, w->left);
		return rc;
	}
	known = 0;
	if (input_length(w->input, &known))
		progress_expect(w->progress, known);
	rc = range_check(w->disk, w->path, w->offset, known);
	if (!rc)
		w->left = size - w->offset;
	return rc;
}

/* The next piece; ->buf holds *got bytes, nothing of it written yet. */
static int next_piece(struct writing *w, size_t *got)
{
	size_t want = w->left < BUFFER ? (size_t)w->left : BUFFER;
	/* one more byte tells whether the disk is too small */
	bool peek = !opt.length.given && want == w->left;
	int rc = input_read(w->input, w->buf, want + peek, w->progress, got);

	if (rc)
		return rc;
	if (*got > want)
		return fail_after(w, "goes on behind the end of the disk");
	if (*got < want && opt.length.given)
		return fail_after(w, "ended before --length");
	if (*got % vhd_disk_sector_size(w->disk))
		return fail_after(w, "ended in the middle of a sector");
	return TOOL_DONE;
}

static int write_input(struct writing *w)
{
	struct vhd_diag diag = {0};
	size_t got;
	int rc, error;

	do {
		rc = next_piece(w, &got);
		if (rc)
			return rc;
		error = vhd_disk_write(w->disk, w->offset, w->buf, got, &diag);
		if (error)
			return diag_failure(w->path, error, &diag);
		progress_add(w->progress, got);
		w->offset += got;
		w->done += got;
		w->left -= got;
	} while (got == BUFFER);
	return TOOL_DONE;
}

static int write_range(struct vhd_disk *disk, const char *path,
		       struct input *input)
{
	struct writing w = {
		.disk = disk,
		.path = path,
		.input = input,
		.offset = opt.offset.bytes,
		.buf = tool_buffer(BUFFER + 1),
	};
	int rc;

	w.progress = progress_start(&opt.progress, "writing");
	progress_expect(w.progress, opt.length.bytes);
	rc = check_length(&w);
	if (!rc)
		rc = write_input(&w);
	progress_stop(w.progress);
	free(w.buf);
	return rc;
}

static int run(const char *const *arguments)
{
	const char *path = arguments[0];
	struct input *input;
	struct vhd_disk *disk;
	int rc = range_open(path, &opt, &disk);

	if (rc)
		return rc;
	rc = input_open("-", false, &input);
	if (!rc) {
		rc = write_range(disk, path, input);
		input_close(input);
	}
	return range_close(disk, path, rc);
}

const struct command write_command = {
	.name = "write",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "write standard input to a part of the disk",
	.description =
		"Writes standard input to the virtual disk, whole sectors "
		"only. If standard input is a file, or ends within 4 MiB, a "
		"length that does not fit is refused before anything is "
		"written; a longer stream is written up to where it goes "
		"wrong, and the error says how far that is. What the command "
		"reports as done is durable. Parents are never written.",
	.options = options,
	.examples = "  vhdtool write --offset 1M disk.vhdx <partition.img\n"
		    "  vhdtool write --length 512 disk.vhd <boot-sector.bin",
	.exits = "  0  written\n"
		 "  1  the image is not writable or in use, the range is not "
		 "in it, or\n     standard input has another length\n"
		 "  2  wrong usage",
	.run = run,
};
