/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd-fsmap: what the file systems inside a disk image do not use. A program
 * of its own, so that file systems made by strangers are read where they can do
 * no harm, and so that the GPL of libntfs-3g ends here.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvhd.h>

#include "../format.h"
#include "../size.h"
#include "report.h"
#include "sandbox.h"
#include "survey.h"
#include "window.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static struct {
	const char *path;
	struct vhd_disk_options disk;
	uint64_t at_least;
	bool list; /* partitions and types only */
	bool self_test;
} opt = {
	.disk = {.size = sizeof(struct vhd_disk_options)},
};

/* -- the command line ------------------------------------------------------ */

static const char help[] =
	"Usage: vhd-fsmap [OPTIONS] PATH\n\n"
	"Lists the partitions and file systems of a disk image, and which "
	"ranges of\nthe disk they do not use: ext2, ext3, ext4, NTFS and Linux "
	"swap, with GPT,\nMBR or no partitions. A file system that was not "
	"closed cleanly, or that is\nof another kind, counts as used. The "
	"guest must not be running.\n\n"
	"Options:\n"
	"  -f, --format FORMAT     raw, vhd or vhdx; default: by the "
	"extension\n"
	"      --parent PATH       the image's parent\n"
	"      --parent-root DIR   parents may lie below DIR (repeatable)\n"
	"      --layer             this image alone, without its parents\n"
	"      --ignore-id-mismatch\n"
	"                          accept a parent of another identity\n"
	"      --force-share       read even if another program writes the "
	"image\n"
	"      --at-least SIZE     leave out shorter ranges\n"
	"      --list              partitions and types only, no ranges\n"
	"      --version           show the version\n"
	"  -h, --help              show this text\n\n"
	"Output, offsets and lengths in bytes, other characters than\n"
	"A-Z a-z 0-9 . _ + / : - of names as %XX, \"-\" for an empty name:\n"
	"  vhd-fsmap 1             version of this format\n"
	"  file DEVICE INODE       the image\n"
	"  disk SIZE SECTOR TABLE  table: gpt, dos, ... or none\n"
	"  fs NUMBER START LENGTH SIZE TYPE STATE LABEL NAME\n"
	"                          a partition (0: the whole disk), and how "
	"much of it\n"
	"                          its file system takes (0: not known)\n"
	"  uuid UUID               of the fs above\n"
	"  unused START LENGTH     of the fs above, if that is clean\n"
	"  gap START LENGTH        in no partition\n"
	"  end                     without it the list is not complete\n"
	"States: clean, dirty, suspended, unknown, damaged, ambiguous, "
	"overlap,\ntruncated, container (an extended partition).\n\n"
	"The program gives up all rights before it looks at a file system.\n\n"
	"Exit status:\n"
	"  0  listed\n"
	"  1  the image is not readable\n"
	"  2  wrong usage\n";

enum {
	OPT_PARENT = 256,
	OPT_ROOT,
	OPT_LAYER,
	OPT_IGNORE_ID,
	OPT_SHARE,
	OPT_AT_LEAST,
	OPT_LIST,
	OPT_VERSION,
	OPT_SELF_TEST
};

static const struct option long_options[] = {
	{"format", required_argument, NULL, 'f'},
	{"parent", required_argument, NULL, OPT_PARENT},
	{"parent-root", required_argument, NULL, OPT_ROOT},
	{"layer", no_argument, NULL, OPT_LAYER},
	{"ignore-id-mismatch", no_argument, NULL, OPT_IGNORE_ID},
	{"force-share", no_argument, NULL, OPT_SHARE},
	{"at-least", required_argument, NULL, OPT_AT_LEAST},
	{"list", no_argument, NULL, OPT_LIST},
	{"version", no_argument, NULL, OPT_VERSION},
	{"self-test", no_argument, NULL, OPT_SELF_TEST},
	{"help", no_argument, NULL, 'h'},
	{0},
};

__attribute__((format(printf, 1, 2), noreturn)) static void
usage_error(const char *format, ...)
{
	va_list list;

	fputs("vhd-fsmap: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputs("\nhint: vhd-fsmap --help tells more\n", stderr);
	exit(EXIT_USAGE);
}

static void add_root(const char *dir, int argc)
{
	static const char **roots;

	if (!roots)
		roots = calloc((size_t)argc, sizeof(roots[0]));
	if (!roots)
		usage_error("out of memory");
	roots[opt.disk.parent_root_count++] = dir;
	opt.disk.parent_roots = roots;
}

static void set_format(const char *name)
{
	opt.disk.format = format_from_name(name);
	if (!opt.disk.format)
		usage_error("unknown format %s; there are raw, vhd and vhdx",
			    name);
}

static void set_at_least(const char *text)
{
	const char *wrong = size_parse(text, &opt.at_least);

	if (wrong)
		usage_error("--at-least %s: %s", text, wrong);
}

__attribute__((noreturn)) static void print_and_exit(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) ? EXIT_FAILED : EXIT_DONE);
}

static void take_option(int c, int argc)
{
	switch (c) {
	case 'f':
		set_format(optarg);
		break;
	case OPT_PARENT:
		opt.disk.parent = optarg;
		break;
	case OPT_ROOT:
		add_root(optarg, argc);
		break;
	case OPT_LAYER:
		opt.disk.flags |= VHD_DISK_LAYER;
		break;
	case OPT_IGNORE_ID:
		opt.disk.flags |= VHD_DISK_IGNORE_ID;
		break;
	case OPT_SHARE:
		opt.disk.flags |= VHD_DISK_FORCE_SHARE;
		break;
	case OPT_AT_LEAST:
		set_at_least(optarg);
		break;
	case OPT_LIST:
		opt.list = true;
		break;
	case OPT_SELF_TEST:
		opt.self_test = true;
		break;
	case OPT_VERSION:
		print_and_exit("vhd-fsmap " VHD_VERSION_STRING "\n");
	case 'h':
		print_and_exit(help);
	default: /* getopt has said what is wrong */
		fputs("hint: vhd-fsmap --help tells more\n", stderr);
		exit(EXIT_USAGE);
	}
}

static void parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "f:h", long_options, NULL)) != -1)
		take_option(c, argc);
	if (opt.self_test)
		return;
	if (optind != argc - 1)
		usage_error("one image, please");
	opt.path = argv[optind];
	if (!opt.disk.format)
		opt.disk.format = format_from_path(opt.path);
	if (!opt.disk.format)
		usage_error("%s: the extension does not tell the format; say "
			    "it with -f raw, -f vhd or -f vhdx",
			    opt.path);
}

/* -- the work -------------------------------------------------------------- */

static struct vhd_disk *open_disk(void)
{
	struct vhd_diag diag = {0};
	struct vhd_disk *disk;
	int rc = vhd_disk_open(opt.path, &opt.disk, &disk, &diag);
	const char *text = diag.text[0] ? diag.text : vhd_strerror(rc);

	if (!rc)
		return disk;
	fprintf(stderr, "vhd-fsmap: %s: %s\n",
		diag.path[0] ? diag.path : opt.path, text);
	if (diag.hint)
		fprintf(stderr, "hint: %s\n", diag.hint);
	report_error(text);
	return NULL;
}

static int list(struct vhd_disk *disk)
{
	const struct area whole = {.disk = disk, .length = vhd_disk_size(disk)};
	uint64_t sector_size = vhd_disk_sector_size(disk);
	struct table table = {0};
	struct runs gaps = {0};
	const char *wrong = survey(disk, !opt.list, &table);

	if (wrong || table_gaps(&table, &whole, &gaps)) {
		report_error(wrong ? wrong : "out of memory");
		return EXIT_FAILED;
	}
	report_disk(disk, table.type);
	for (size_t i = 0; i < table.count; i++)
		report_volume(&table.volumes[i], opt.at_least);
	report_gaps(&gaps, sector_size, opt.at_least);
	runs_clear(&gaps);
	table_free(&table);
	return report_end() ? EXIT_FAILED : EXIT_DONE;
}

static int enter_sandbox(void)
{
	const char *wrong;

	if (window_open()) {
		report_error(errno == EMFILE || errno == ENFILE
				     ? "too many open files"
				     : "cannot make a file in memory");
		return -1;
	}
	wrong = sandbox_enter(window_fd());
	if (wrong)
		report_error(wrong);
	return wrong ? -1 : 0;
}

static int run(void)
{
	struct vhd_disk *disk = NULL;

	if (!opt.self_test) {
		disk = open_disk();
		if (!disk)
			return EXIT_FAILED;
	}
	if (enter_sandbox())
		return EXIT_FAILED;
	if (opt.self_test)
		return sandbox_test() ? EXIT_FAILED : EXIT_DONE;
	return list(disk);
}

int main(int argc, char **argv)
{
	int rc;

	/* nobody listens: an end, whatever the caller thinks of it */
	signal(SIGPIPE, SIG_DFL);
	/* nothing of the caller's is left open */
	(void)close_range(3, ~0u, 0);
	report_begin();
	parse_options(argc, argv);
	rc = run();
	/* what would be done at exit is forbidden, and not needed */
	if (fflush(stdout))
		rc = EXIT_FAILED;
	_exit(rc);
}
