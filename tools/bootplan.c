/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootplan.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootfiles.h"
#include "command.h"
#include "diag.h"
#include "memory.h"
#include "newfile.h"

#define NOTE_HEAD                                                              \
	"Made by vhdtool boot-install, which needs this file to take away "    \
	"what is its own.\n"

enum step_kind {
	STEP_FOLDER,
	STEP_NOTE,
	STEP_FILE,
	STEP_WORD,
};

struct boot_step {
	enum step_kind kind;
	bool program;
	char *path; /* below the base; or the word */
	char *bytes;
	size_t length;
};

static char *full(const char *base, const char *path)
{
	return boot_text("%s/%s", base, path);
}

/* -- planning ----------------------------------------------------------------
 */

static struct boot_step *add(struct boot_plan *plan, enum step_kind kind,
			     const char *path)
{
	struct boot_step *step;

	plan->steps = tool_resize(plan->steps,
				  (plan->count + 1) * sizeof(*plan->steps));
	step = &plan->steps[plan->count++];
	*step = (struct boot_step){.kind = kind, .path = boot_text("%s", path)};
	return step;
}

static bool has_folder(const struct boot_plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].kind == STEP_FOLDER &&
		    strcmp(plan->steps[i].path, path) == 0)
			return true;
	}
	return false;
}

/* Made for an entry that may go before this one does. */
static bool is_shared(const struct boot_plan *plan, const char *folder)
{
	char *line = boot_text("\nfolder %s\n", folder);
	bool found = strstr(plan->others, line);

	free(line);
	return found;
}

static void add_folders(struct boot_plan *plan, const char *path)
{
	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		char *folder = boot_text("%.*s", (int)(slash - path), path);
		char *there = full(plan->base, folder);

		if ((!boot_is_there(there) || is_shared(plan, folder)) &&
		    !has_folder(plan, folder))
			add(plan, STEP_FOLDER, folder);
		free(there);
		free(folder);
	}
}

static bool is_note(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".txt") == 0;
}

static char *append(char *text, const char *folder, const char *name)
{
	char *path = full(folder, name);
	size_t length;
	char *more = boot_file_read(path, &length), *out;

	free(path);
	if (!more)
		return text;
	out = boot_text("%s%s", text, more);
	free(more);
	free(text);
	return out;
}

/* What cannot be read is no note of ours. */
static char *read_others(const char *base, const char *note)
{
	const char *slash = strrchr(note, '/');
	char *folder = boot_text("%s/%.*s", base, (int)(slash - note), note);
	char *text = boot_text("%s", "");
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (is_note(entry->d_name))
			text = append(text, folder, entry->d_name);
	}
	if (dir)
		closedir(dir);
	free(folder);
	return text;
}

void boot_plan_begin_inside(struct boot_plan *plan, const char *base,
			    const char *note)
{
	*plan = (struct boot_plan){
		.base = base,
		.note = boot_text("%s", note),
		.others = read_others(base, note),
	};
	add(plan, STEP_NOTE, note);
}

void boot_plan_begin(struct boot_plan *plan, const char *base, const char *note)
{
	*plan = (struct boot_plan){
		.base = base,
		.note = boot_text("%s", note),
		.others = read_others(base, note),
	};
	add_folders(plan, note);
	add(plan, STEP_NOTE, note);
}

void boot_plan_free(struct boot_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->steps[i].path);
		free(plan->steps[i].bytes);
	}
	free(plan->steps);
	free(plan->others);
	free(plan->note);
}

/* 1: it is there as it shall be; 0: it is not there; else printed */
static int is_there(const char *path, const char *bytes, size_t length)
{
	size_t found;
	char *old = boot_file_read(path, &found);
	bool same = old && found == length && memcmp(old, bytes, length) == 0;

	if (!old && errno == ENOENT)
		return 0;
	if (!old) {
		diag_error(path, "%s", strerror(errno));
		return -1;
	}
	free(old);
	if (same)
		return 1;
	diag_error(path, "there is another file of that name");
	diag_hint("if it is not needed, delete it first");
	return -1;
}

int boot_plan_file(struct boot_plan *plan, const char *path, const char *bytes,
		   size_t length, bool program)
{
	char *there = full(plan->base, path);
	int rc = is_there(there, bytes, length);
	struct boot_step *step;

	free(there);
	if (rc)
		return rc > 0 ? TOOL_DONE : TOOL_FAILED;
	add_folders(plan, path);
	step = add(plan, STEP_FILE, path);
	step->program = program;
	step->bytes = tool_must(malloc(length + 1));
	memcpy(step->bytes, bytes, length);
	step->length = length;
	return TOOL_DONE;
}

void boot_plan_word(struct boot_plan *plan, const char *text)
{
	add(plan, STEP_WORD, text);
}

bool boot_plan_is_empty(const struct boot_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].kind == STEP_FILE)
			return false;
	}
	return true;
}

/* -- doing -------------------------------------------------------------------
 */

void boot_plan_tell(const struct boot_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct boot_step *step = &plan->steps[i];

		if (step->kind == STEP_FILE)
			printf("write %s/%s\n", plan->base, step->path);
	}
}

static char *step_line(const struct boot_step *step)
{
	switch (step->kind) {
	case STEP_FOLDER:
		return boot_text("folder %s\n", step->path);
	case STEP_NOTE:
		return boot_text("note\n");
	case STEP_WORD:
		return boot_text("word %s\n", step->path);
	case STEP_FILE:
		break;
	}
	return boot_text("file %016" PRIx64 " %s\n",
			 boot_fingerprint(step->bytes, step->length),
			 step->path);
}

static int write_note(const struct boot_plan *plan, const char *path)
{
	char *text = boot_text(NOTE_HEAD);
	int rc;

	for (size_t i = 0; i < plan->count; i++) {
		char *line = step_line(&plan->steps[i]);
		char *more = boot_text("%s%s", text, line);

		free(line);
		free(text);
		text = more;
	}
	rc = newfile_write(path, text, strlen(text), true);
	free(text);
	return rc;
}

static int write_step(const struct boot_step *step, const char *path)
{
	return step->program
		       ? newfile_write_program(path, step->bytes, step->length,
					       true)
		       : newfile_write(path, step->bytes, step->length, true);
}

static int do_step(const struct boot_plan *plan, const struct boot_step *step)
{
	char *path = full(plan->base, step->path);
	int rc = TOOL_DONE;

	if (step->kind == STEP_NOTE)
		rc = write_note(plan, path);
	else if (step->kind == STEP_FILE)
		rc = write_step(step, path);
	else if (step->kind == STEP_FOLDER && mkdir(path, 0777) &&
		 errno != EEXIST)
		rc = diag_error(path, "%s", strerror(errno));
	free(path);
	return rc;
}

static void undo_step(const struct boot_plan *plan,
		      const struct boot_step *step)
{
	char *path = full(plan->base, step->path);

	if (step->kind == STEP_FOLDER)
		rmdir(path);
	else if (step->kind != STEP_WORD)
		unlink(path);
	free(path);
}

int boot_plan_apply(const struct boot_plan *plan)
{
	size_t done = 0;
	int rc = TOOL_DONE;

	while (!rc && done < plan->count)
		rc = do_step(plan, &plan->steps[done++]);
	if (rc) {
		done--; /* that one failed */
		while (done)
			undo_step(plan, &plan->steps[--done]);
	}
	return rc;
}

/* -- undoing -----------------------------------------------------------------
 */

/* The lines of a note, NUL-terminated each; text is theirs. */
struct lines {
	char *text;
	char **items;
	size_t count;
};

static int read_lines(const char *base, const char *note, struct lines *out)
{
	char *path = full(base, note);
	size_t length;
	char *rest;

	*out = (struct lines){.text = boot_file_read(path, &length)};
	if (!out->text)
		diag_error(path, "%s", strerror(errno));
	free(path);
	if (!out->text)
		return TOOL_FAILED;
	rest = out->text;
	for (char *line; (line = strsep(&rest, "\n"));) {
		out->items = tool_resize(
			out->items, (out->count + 1) * sizeof(*out->items));
		out->items[out->count++] = line;
	}
	return TOOL_DONE;
}

static void lines_free(struct lines *lines)
{
	free(lines->items);
	free(lines->text);
}

/* what follows `word` and a blank; NULL if the line is another one */
static const char *after(const char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 && line[n] == ' ' ? line + n + 1
							     : NULL;
}

char *boot_note_word(const char *base, const char *note, const char *start)
{
	struct lines lines;
	char *found = NULL;

	if (read_lines(base, note, &lines))
		return NULL;
	for (size_t i = 0; i < lines.count && !found; i++) {
		const char *text = after(lines.items[i], "word");

		if (text)
			text = after(text, start);
		if (text)
			found = boot_text("%s", text);
	}
	lines_free(&lines);
	return found;
}

static int delete_file(const char *path, bool dry_run)
{
	if (dry_run) {
		printf("delete %s\n", path);
		return TOOL_DONE;
	}
	return boot_file_delete(path);
}

/* "FINGERPRINT PATH" */
static int undo_file(const char *base, const char *item, bool dry_run)
{
	char *end, *path, *bytes;
	uint64_t expected = strtoull(item, &end, 16);
	int rc = TOOL_DONE;
	size_t length;

	path = full(base, *end ? end + 1 : end);
	bytes = boot_file_read(path, &length);
	if (bytes && boot_fingerprint(bytes, length) == expected)
		rc = delete_file(path, dry_run);
	else if (bytes)
		diag_warning(path, "stays: it is not what boot-install put "
				   "there");
	else if (errno != ENOENT)
		rc = diag_error(path, "%s", strerror(errno));
	free(bytes);
	free(path);
	return rc;
}

/* not if somebody has put something in */
static void undo_folder(const char *base, const char *item)
{
	char *path = full(base, item);

	rmdir(path);
	free(path);
}

static int undo_line(const char *base, const char *note, const char *line,
		     bool dry_run)
{
	const char *item;
	char *path;
	int rc;

	item = after(line, "file");
	if (item)
		return undo_file(base, item, dry_run);
	item = after(line, "folder");
	if (item && !dry_run)
		undo_folder(base, item);
	if (strcmp(line, "note") != 0)
		return TOOL_DONE;
	path = full(base, note);
	rc = delete_file(path, dry_run);
	free(path);
	return rc;
}

int boot_note_undo(const char *base, const char *note, bool dry_run)
{
	struct lines lines;
	int rc = read_lines(base, note, &lines);

	if (rc)
		return rc;
	for (size_t i = lines.count; i > 0 && !rc; i--)
		rc = undo_line(base, note, lines.items[i - 1], dry_run);
	lines_free(&lines);
	return rc;
}
