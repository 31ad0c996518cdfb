/* SPDX-License-Identifier: BSD-2-Clause */
#include "fsmap_client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "format.h"
#include "helper.h"
#include "memory.h"

#define HELPER "vhd-fsmap"

/* What it is told; at_least is the text of a number in the list. */
struct arguments {
	struct helper_arguments list;
	char at_least[24];
};

static void set_arguments(struct arguments *args, const char *helper,
			  const char *path, const struct open_options *options,
			  const uint64_t *at_least)
{
	struct open_options same = *options;

	same.format = open_format(path, options->format);
	same.ignore_children = false; /* it writes nothing */
	helper_add(&args->list, helper);
	open_add_arguments(&args->list, &same);
	helper_add(&args->list, "--force-share");
	if (options->layer)
		helper_add(&args->list, "--layer");
	if (at_least) {
		snprintf(args->at_least, sizeof(args->at_least), "%" PRIu64,
			 *at_least);
		helper_add_value(&args->list, "--at-least", args->at_least);
	} else {
		helper_add(&args->list, "--list");
	}
	helper_add_value(&args->list, "--", path);
}

/* -- running it ------------------------------------------------------------ */

/* Starts it with nothing but its standard output. Returns 0 or an errno. */
static int spawn(const char *helper, const struct arguments *args, int out,
		 pid_t *pid)
{
	posix_spawn_file_actions_t files;
	int rc = posix_spawn_file_actions_init(&files);

	if (rc)
		return rc;
	rc = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
					      O_RDONLY, 0);
	if (!rc)
		rc = posix_spawn_file_actions_addopen(&files, STDERR_FILENO,
						      "/dev/null", O_WRONLY, 0);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&files, out,
						      STDOUT_FILENO);
	if (!rc)
		/* the interface lacks a const; nothing is changed */
		rc = posix_spawn(pid, helper, &files, NULL,
				 (char *const *)(uintptr_t)args->list.items,
				 environ);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* The helper's standard output, or NULL with errno. */
static FILE *start(const char *helper, const struct arguments *args, pid_t *pid)
{
	int fds[2], rc;
	FILE *in;

	if (pipe2(fds, O_CLOEXEC))
		return NULL;
	rc = spawn(helper, args, fds[1], pid);
	close(fds[1]);
	in = rc ? NULL : fdopen(fds[0], "r");
	if (!in) {
		close(fds[0]);
		errno = rc ? rc : errno;
	}
	return in;
}

/*
 * Waits for the end. Returns NULL if it was a good one, or one that we made,
 * else how it ended, in `text`.
 */
static const char *finish(pid_t pid, bool killed, char *text, size_t size)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return "it cannot be waited for";
	}
	if (WIFSIGNALED(status) && !(killed && WTERMSIG(status) == SIGKILL))
		snprintf(text, size, "it was ended by signal %d",
			 WTERMSIG(status));
	else if (WIFEXITED(status) && WEXITSTATUS(status))
		snprintf(text, size, "it failed with status %d",
			 WEXITSTATUS(status));
	else
		return NULL;
	return text;
}

static int not_found(const char *path)
{
	diag_error(path, "cannot look inside: " HELPER " is not installed");
	diag_hint("it belongs beside vhdtool, and is built if libblkid, "
		  "libext2fs, libntfs-3g and libseccomp are there");
	return TOOL_FAILED;
}

static int failed(const char *path, const char *helper, const char *why)
{
	diag_error(path, "cannot look inside with %s: %s", helper, why);
	diag_hint("to see more, run: %s %s", helper, path);
	return TOOL_FAILED;
}

static struct fsmap_expected expect(struct vhd_disk *disk, unsigned layer)
{
	struct vhd_file_id id = {0};

	(void)vhd_file_id(vhd_image_file(vhd_disk_image(disk, layer)), &id);
	return (struct fsmap_expected){
		.device = id.device,
		.inode = id.inode,
		.disk_size = vhd_image_size(vhd_disk_image(disk, layer)),
		.sector_size = vhd_disk_sector_size(disk),
	};
}

/* Runs it and reads its answer. */
static int ask(const char *helper, const struct arguments *args,
	       const char *path, const struct fsmap_expected *expected,
	       struct fsmap *out)
{
	char text[FSMAP_NAME_MAX + 1], end[64];
	const char *wrong, *ended;
	struct fsmap map = {0};
	bool killed;
	pid_t pid;
	FILE *in = start(helper, args, &pid);

	if (!in)
		return failed(path, helper, strerror(errno));
	wrong = fsmap_parse(in, expected, text, &map);
	/* who talks nonsense may not want to end either */
	killed = wrong && !feof(in);
	if (killed)
		kill(pid, SIGKILL);
	fclose(in);
	ended = finish(pid, killed, end, sizeof(end));
	/* what it says itself explains more than how it ended */
	if (ended && wrong != text)
		wrong = ended;
	if (wrong) {
		fsmap_free(&map);
		return failed(path, helper, wrong);
	}
	*out = map;
	return TOOL_DONE;
}

/* `at_least` is NULL for a list without ranges */
static int get(struct vhd_disk *disk, unsigned layer, const char *path,
	       const struct open_options *options, const uint64_t *at_least,
	       struct fsmap *out)
{
	struct fsmap_expected expected = expect(disk, layer);
	struct arguments args = {0};
	char *helper = helper_find(HELPER, "VHD_FSMAP");
	int rc;

	if (!helper)
		return not_found(path);
	set_arguments(&args, helper, path, options, at_least);
	rc = ask(helper, &args, path, &expected, out);
	free(args.list.items);
	free(helper);
	return rc;
}

int fsmap_get(struct vhd_disk *disk, const char *path,
	      const struct open_options *options, uint64_t at_least,
	      struct fsmap *out)
{
	return get(disk, 0, path, options, &at_least, out);
}

int fsmap_list(struct vhd_disk *disk, unsigned layer, const char *path,
	       const struct open_options *options, struct fsmap *out)
{
	return get(disk, layer, path, options, NULL, out);
}

bool fsmap_is_there(void)
{
	char *helper = helper_find(HELPER, "VHD_FSMAP");
	bool found = helper != NULL;

	free(helper);
	return found;
}

/* -- for those who use it -------------------------------------------------- */

uint64_t fsmap_total(const struct fsmap_ranges *ranges)
{
	uint64_t total = 0;

	for (size_t i = 0; i < ranges->count; i++)
		total += ranges->items[i].length;
	return total;
}

char *fsmap_fs_text(const struct fsmap_fs *fs)
{
	const char *name = fs->label[0] ? fs->label : fs->name;
	const char *quote = name[0] ? "\"" : "";
	const char *blank = fs->type[0] && name[0] ? " " : "";
	char *text = NULL;
	int rc;

	if (fs->number && (fs->type[0] || name[0]))
		rc = asprintf(&text, "partition %u (%s%s%s%s%s)", fs->number,
			      fs->type, blank, quote, name, quote);
	else if (fs->number)
		rc = asprintf(&text, "partition %u", fs->number);
	else if (fs->type[0])
		rc = asprintf(&text, "the disk (%s%s%s%s%s)", fs->type, blank,
			      quote, name, quote);
	else
		rc = asprintf(&text, "the disk");
	return tool_must(rc < 0 ? NULL : text);
}

const char *fsmap_state_text(enum fsmap_state state)
{
	static const char *const texts[FSMAP_STATES] = {
		[FSMAP_CLEAN] = "",
		[FSMAP_DIRTY] = "was not closed cleanly",
		[FSMAP_SUSPENDED] = "holds a suspended system",
		[FSMAP_UNKNOWN] = "is of a kind whose free space is not known",
		[FSMAP_DAMAGED] = "is damaged",
		[FSMAP_AMBIGUOUS] = "looks like several things at once",
		[FSMAP_OVERLAP] = "overlaps another partition",
		[FSMAP_TRUNCATED] = "is larger than its place",
		[FSMAP_CONTAINER] = "holds other partitions",
	};

	return texts[state];
}
