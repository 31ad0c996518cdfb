/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool hash: digests of the disk's content, several in one pass. For
 * evidence, --file-too hashes the files of the chain before and after, which
 * proves that looking did not change them.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "confine_image.h"
#include "diag.h"
#include "escape.h"
#include "json.h"
#include "memory.h"
#include "open.h"
#include "progress.h"

static struct {
	struct open_options open;
	struct progress_options progress;
	struct option_list algorithms;
	bool file_too;
	bool json;
} opt;

static const char *const usual_algorithms[] = {
	"sha256", "sha512",     "sha384",     "sha3-256", "sha1",
	"md5",    "blake2b512", "blake2s256", NULL,
};

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "algorithm",
	 .letter = 'a',
	 .kind = OPTION_LIST,
	 .target = &opt.algorithms,
	 .argument = "NAME",
	 .choices = usual_algorithms,
	 .help = "sha256 (default), sha512, md5, blake2b512 ... any of\n"
		 "OpenSSL's (repeatable; one pass)"},
	{.name = "file-too",
	 .kind = OPTION_FLAG,
	 .target = &opt.file_too,
	 .help = "also hash the image files, before and after"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .target = &opt.json,
	 .help = "one JSON document"},
	OPEN_LAYER_OPTION(opt.open),
	OPEN_PARENT_OPTIONS(opt.open),
	PROGRESS_OPTIONS(opt.progress),
	{0},
};

/* The digests of the disk, and of each of its files twice. */
struct work {
	struct vhd_disk *disk;
	const char *path;
	size_t count; /* algorithms */
	unsigned files;
	struct vhd_digest *content; /* count */
	struct vhd_digest *before;  /* files * count */
	struct vhd_digest *after;
};

static struct vhd_digest *new_digests(size_t sets)
{
	size_t count = opt.algorithms.count;
	struct vhd_digest *out = tool_zalloc(sets * count * sizeof(*out));

	for (size_t i = 0; i < sets * count; i++)
		out[i].algorithm = opt.algorithms.items[i % count];
	return out;
}

static void work_init(struct work *w, struct vhd_disk *disk, const char *path)
{
	*w = (struct work){
		.disk = disk,
		.path = path,
		.count = opt.algorithms.count,
		.files = opt.file_too ? vhd_disk_layers(disk) : 0,
	};
	w->content = new_digests(1);
	w->before = new_digests(w->files);
	w->after = new_digests(w->files);
}

static void work_free(struct work *w)
{
	free(w->content);
	free(w->before);
	free(w->after);
}

static const char *file_path(const struct work *w, unsigned layer)
{
	const char *path = vhd_disk_path(w->disk, layer);

	return layer == 0 || !*path ? w->path : path;
}

static int hash_disk(struct work *w)
{
	struct progress *progress = progress_start(&opt.progress, "hashing");
	struct vhd_diag diag = {0};
	int error = vhd_hash(w->disk, w->content, w->count,
			     progress_job(progress), &diag);

	progress_stop(progress);
	return error ? diag_failure(w->path, error, &diag) : TOOL_DONE;
}

static int hash_file(struct work *w, unsigned layer, struct vhd_digest *out)
{
	const char *path = file_path(w, layer);
	struct vhd_diag diag = {0};
	struct vhd_file *file;
	struct progress *progress;
	int error = vhd_file_open(path, 0, &file, &diag);

	if (error)
		return diag_failure(path, error, &diag);
	progress = progress_start(&opt.progress, "hashing file");
	error = vhd_hash_file(file, out, w->count, progress_job(progress),
			      &diag);
	progress_stop(progress);
	vhd_file_close(file);
	return error ? diag_failure(path, error, &diag) : TOOL_DONE;
}

static int hash_files(struct work *w, struct vhd_digest *out)
{
	int rc = TOOL_DONE;

	for (unsigned i = 0; i < w->files && !rc; i++)
		rc = hash_file(w, i, out + i * w->count);
	return rc;
}

/* Nothing is printed about a file that changed meanwhile: it proves nothing. */
static int check_unchanged(const struct work *w)
{
	for (size_t i = 0; i < w->files * w->count; i++) {
		if (strcmp(w->before[i].hex, w->after[i].hex) != 0)
			return diag_error(
				file_path(w, (unsigned)(i / w->count)),
				"changed while it was being hashed");
	}
	return TOOL_DONE;
}

static json_t *hashes_json(const struct work *w, const struct vhd_digest *set)
{
	json_t *out = json_new_object();

	for (size_t i = 0; i < w->count; i++)
		json_put_text(out, set[i].algorithm, set[i].hex);
	return out;
}

static json_t *files_json(const struct work *w)
{
	json_t *out = json_new_array();

	for (unsigned i = 0; i < w->files; i++) {
		json_t *entry = json_new_object();

		json_put_text(entry, "filename", file_path(w, i));
		json_put(entry, "hashes",
			 hashes_json(w, w->before + i * w->count));
		json_put_bool(entry, "unchanged", true);
		json_add(out, entry);
	}
	return out;
}

static int print_json(const struct work *w)
{
	json_t *out = json_new_object();

	json_put_text(out, "filename", w->path);
	json_put_size(out, "virtual-size", vhd_disk_size(w->disk));
	json_put(out, "hashes", hashes_json(w, w->content));
	if (w->files)
		json_put(out, "files", files_json(w));
	return json_print(out);
}

/* "HEX  PATH" as sha256sum has it; with several, "SHA256 (PATH) = HEX". */
static void print_set(const struct work *w, const struct vhd_digest *set,
		      const char *path, const char *note)
{
	char *safe = escape(path);

	for (size_t i = 0; i < w->count; i++) {
		if (w->count == 1) {
			printf("%s  %s%s\n", set[i].hex, safe, note);
			continue;
		}
		for (const char *p = set[i].algorithm; *p; p++)
			putchar(toupper((unsigned char)*p));
		printf(" (%s%s) = %s\n", safe, note, set[i].hex);
	}
	free(safe);
}

static int print_text(const struct work *w)
{
	print_set(w, w->content, w->path, "");
	for (unsigned i = 0; i < w->files; i++)
		print_set(w, w->before + i * w->count, file_path(w, i),
			  " [file, unchanged]");
	return TOOL_DONE;
}

static int hash(struct vhd_disk *disk, const char *path)
{
	struct work w;
	int rc;

	work_init(&w, disk, path);
	rc = hash_files(&w, w.before);
	if (!rc)
		rc = hash_disk(&w);
	if (!rc)
		rc = hash_files(&w, w.after);
	if (!rc)
		rc = check_unchanged(&w);
	if (!rc)
		rc = opt.json ? print_json(&w) : print_text(&w);
	work_free(&w);
	return rc;
}

/* Tries each algorithm on nothing, so that the unknown one can be named. */
static int check_algorithms(void)
{
	struct vhd_file *empty;
	int rc = vhd_file_open_memory(NULL, 0, 0, &empty);

	if (rc)
		return diag_failure(NULL, rc, NULL);
	for (size_t i = 0; i < opt.algorithms.count && !rc; i++) {
		struct vhd_digest digest = {opt.algorithms.items[i], ""};
		struct vhd_diag diag = {0};

		int error = vhd_hash_file(empty, &digest, 1, NULL, &diag);

		if (error == VHD_E_UNSUPPORTED)
			rc = diag_usage("--algorithm %s: %s", digest.algorithm,
					diag.text);
		else if (error)
			rc = diag_failure(digest.algorithm, error, &diag);
	}
	vhd_file_close(empty);
	return rc;
}

static int run(const char *const *arguments)
{
	struct vhd_disk *disk;
	int rc;

	if (opt.algorithms.count == 0)
		option_list_add(&opt.algorithms, "sha256");
	rc = check_algorithms();
	if (rc)
		return rc;
	confine_reader(arguments, 1, &opt.open, NULL);
	rc = open_disk(arguments[0], &opt.open, VHD_DISK_VERIFY, &disk);
	if (rc)
		return rc;
	if (!opt.file_too) /* which opens them twice more */
		confine_reader_opened();
	rc = hash(disk, arguments[0]);
	vhd_disk_close(disk);
	return rc;
}

const struct command hash_command = {
	.name = "hash",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "hash the content of a disk",
	.description =
		"Prints digests of the disk's content: what `convert` "
		"would write, parents included, whatever the format. With "
		"--file-too each image file is hashed as well, before and "
		"after; that it is printed says that the files did not "
		"change.",
	.options = options,
	.examples = "  vhdtool hash disk.vhdx\n"
		    "  vhdtool hash --algorithm sha256 --algorithm md5 "
		    "--file-too evidence.vhd",
	.exits = "  0  hashed\n"
		 "  1  not readable, or a file changed\n"
		 "  2  wrong usage, an unknown algorithm included",
	.run = run,
};
