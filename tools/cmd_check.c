/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool check: every fault of an image by name, place and consequence.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "confine_image.h"
#include "diag.h"
#include "escape.h"
#include "format.h"
#include "json.h"
#include "open.h"

static struct {
	struct open_options open;
	bool chain;
	bool json;
	bool dry_run;
	bool force;
	int repair; /* enum repair_level */
	const char *backup;
	const char *restore;
	struct option_size size;
} opt;

enum repair_level {
	REPAIR_NONE,
	REPAIR_LOSSLESS,
	REPAIR_SALVAGE,
};

static const char *const repair_levels[] = {"salvage", NULL};

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "chain",
	 .kind = OPTION_FLAG,
	 .target = &opt.chain,
	 .help = "check each layer as well"},
	{.name = "repair",
	 .kind = OPTION_LEVEL,
	 .target = &opt.repair,
	 .argument = "[=salvage]",
	 .choices = repair_levels,
	 .help = "mend what can be mended without loss, then check;\n"
		 "=salvage: also what cannot be read any more, which\n"
		 "may then be lost for good"},
	{.name = "dry-run",
	 .kind = OPTION_FLAG,
	 .target = &opt.dry_run,
	 .help = "with --repair: say what would be mended and what\n"
		 "would be left, change nothing"},
	{.name = "backup",
	 .kind = OPTION_TEXT,
	 .target = &opt.backup,
	 .argument = "FILE",
	 .help = "with --repair: keep the bytes it changes in FILE"},
	{.name = "force",
	 .kind = OPTION_FLAG,
	 .target = &opt.force,
	 .help = "with --backup: replace an existing FILE"},
	{.name = "restore",
	 .kind = OPTION_TEXT,
	 .target = &opt.restore,
	 .argument = "FILE",
	 .help = "undo a repair: put back what --backup kept in FILE"},
	{.name = "size",
	 .kind = OPTION_SIZE,
	 .target = &opt.size,
	 .argument = "SIZE",
	 .help = "with --repair=salvage: the size of the disk, where\n"
		 "a VHD has lost both footers"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .target = &opt.json,
	 .help = "one JSON document"},
	OPEN_LAYER_OPTION(opt.open),
	OPEN_PARENT_OPTIONS(opt.open),
	{0},
};

/* What the callback collects or prints. */
struct report {
	const char *path;
	int format;
	json_t *faults;
	json_t *repairs;
	uint64_t remarks;
	uint64_t shown;
	uint64_t mended;
	struct vhd_check_result left; /* by a dry run */
};

/* A hostile image can have a fault in each of millions of blocks. */
#define FAULTS_SHOWN_MAX 10000

static const char *severity_name(int severity)
{
	switch (severity) {
	case VHD_SEVERITY_REMARK:
		return "remark";
	case VHD_SEVERITY_LEAK:
		return "leak";
	case VHD_SEVERITY_ERROR:
		return "error";
	default:
		return "corrupt";
	}
}

static void add_fault(json_t *list, const char *path,
		      const struct vhd_fault *fault)
{
	json_t *out = json_new_object();

	json_put_text(out, "code", fault->code);
	json_put_text(out, "structure", fault->structure);
	json_put(out, "offset",
		 fault->offset == VHD_NO_OFFSET ? json_null()
						: json_new_size(fault->offset));
	json_put_text(out, "severity", severity_name(fault->severity));
	json_put_text(out, "message", fault->message);
	json_put_bool(out, "repairable",
		      fault->repairable == VHD_REPAIRABLE_LOSSLESS);
	json_put_bool(out, "salvageable",
		      fault->repairable != VHD_REPAIRABLE_NO);
	if (fault->length) {
		json_put_size(out, "start", fault->start);
		json_put_size(out, "length", fault->length);
	}
	if (opt.chain)
		json_put_text(out, "filename", path);
	json_add(list, out);
}

/* ", disk bytes 0 to 511" */
static void print_range(const struct vhd_fault *fault)
{
	if (fault->length)
		printf(", disk bytes %" PRIu64 " to %" PRIu64, fault->start,
		       fault->start + fault->length - 1);
}

static const char *repairable_text(int repairable)
{
	switch (repairable) {
	case VHD_REPAIRABLE_LOSSLESS:
		return ", repairable";
	case VHD_REPAIRABLE_SALVAGE:
		return ", --repair=salvage";
	default:
		return "";
	}
}

static void print_fault(const char *path, const struct vhd_fault *fault)
{
	char *safe_path = escape(path), *message = escape(fault->message);

	printf("%s: %s: %s", safe_path, severity_name(fault->severity),
	       fault->structure);
	if (fault->offset != VHD_NO_OFFSET)
		printf(" (byte %" PRIu64 ")", fault->offset);
	printf(": %s", message);
	print_range(fault);
	printf(" [%s%s]\n", fault->code, repairable_text(fault->repairable));
	free(message);
	free(safe_path);
}

static void count(struct vhd_check_result *result,
		  const struct vhd_fault *fault)
{
	result->errors += fault->severity == VHD_SEVERITY_ERROR;
	result->corruptions += fault->severity == VHD_SEVERITY_CORRUPT;
	result->leaks += fault->leaked;
}

static void on_fault(void *ctx, const char *path, const struct vhd_fault *fault)
{
	struct report *r = ctx;

	if (fault->severity == VHD_SEVERITY_REMARK)
		r->remarks++;
	if (r->shown++ >= FAULTS_SHOWN_MAX)
		return;
	path = path && *path ? path : r->path;
	if (opt.json)
		add_fault(r->faults, path, fault);
	else
		print_fault(path, fault);
}

static int print_json(struct report *r, const struct vhd_check_result *result)
{
	json_t *out = json_new_object();

	json_put_text(out, "filename", r->path);
	json_put_text(out, "format", format_name(r->format));
	json_put_size(out, "check-errors", result->errors);
	json_put_size(out, "corruptions", result->corruptions);
	json_put_size(out, "leaks", result->leaks);
	json_put_size(out, "image-end-offset", result->end);
	json_put_size(out, "layers", result->layers);
	json_put(out, "faults", json_incref(r->faults));
	if (opt.repair)
		json_put(out, "repairs", json_incref(r->repairs));
	return json_print(out);
}

static void print_summary(const struct report *r,
			  const struct vhd_check_result *result)
{
	char *path = escape(r->path);

	if (r->shown > FAULTS_SHOWN_MAX)
		printf("%s: %" PRIu64 " more faults are not listed\n", path,
		       r->shown - FAULTS_SHOWN_MAX);
	if (result->errors || result->corruptions)
		printf("%s: %" PRIu64 " corruption%s, %" PRIu64
		       " error%s, %" PRIu64 " bytes leaked\n",
		       path, result->corruptions,
		       result->corruptions == 1 ? "" : "s", result->errors,
		       result->errors == 1 ? "" : "s", result->leaks);
	else if (result->leaks)
		printf("%s: no damage, %" PRIu64 " bytes leaked\n", path,
		       result->leaks);
	else
		printf("%s: no faults in %u layer%s%s\n", path, result->layers,
		       result->layers == 1 ? "" : "s",
		       r->remarks ? ", only remarks" : "");
	free(path);
}

static int verdict(const struct vhd_check_result *result)
{
	if (result->errors || result->corruptions)
		return TOOL_NO;
	return result->leaks ? TOOL_LEAKED : TOOL_DONE;
}

static void on_mended(void *ctx, const char *path,
		      const struct vhd_fault *fault)
{
	struct report *r = ctx;
	char *safe_path;

	if (r->mended++ >= FAULTS_SHOWN_MAX)
		return;
	if (opt.json) {
		add_fault(r->repairs, path, fault);
		return;
	}
	safe_path = escape(path);
	printf("%s: %s: %s", safe_path, opt.dry_run ? "to be mended" : "mended",
	       fault->structure);
	if (fault->offset != VHD_NO_OFFSET)
		printf(" (byte %" PRIu64 ")", fault->offset);
	printf(": %s", fault->message);
	print_range(fault);
	printf(" [%s]\n", fault->code);
	free(safe_path);
}

/* what a dry run would leave in the file itself */
static void on_left(void *ctx, const char *path, const struct vhd_fault *fault)
{
	struct report *r = ctx;

	count(&r->left, fault);
	on_fault(ctx, path, fault);
}

static int repair(struct report *r)
{
	const struct vhd_repair_options o = {
		.size = sizeof(o),
		.flags = (opt.dry_run ? VHD_REPAIR_DRY_RUN : 0) |
			 (opt.repair == REPAIR_SALVAGE ? VHD_REPAIR_SALVAGE
						       : 0) |
			 (opt.force ? VHD_REPAIR_FORCE : 0),
		.format = r->format,
		.virtual_size = opt.size.bytes,
		.backup = opt.backup,
		.left = opt.dry_run ? on_left : NULL,
	};
	struct vhd_diag diag = {0};
	int rc = vhd_repair(r->path, &o, on_mended, r, &diag);

	return rc ? open_failure(r->path, r->format, rc, &diag) : TOOL_DONE;
}

/* A guess at the format is never a reason to open other files. */
static uint32_t check_flags(bool guessed)
{
	if (guessed || opt.open.layer)
		return 0;
	return opt.chain ? VHD_CHECK_CHAIN | VHD_CHECK_PARENTS
			 : VHD_CHECK_PARENTS;
}

static int conclude(struct report *r, const struct vhd_check_result *result)
{
	if (!opt.json)
		print_summary(r, result);
	else if (print_json(r, result))
		return TOOL_FAILED;
	return verdict(result);
}

/* a dry run has looked at the file itself; what is left are its parents */
static void on_chain_fault(void *ctx, const char *path,
			   const struct vhd_fault *fault)
{
	struct report *r = ctx;

	if (strncmp(fault->code, "parent-", 7) != 0 &&
	    strncmp(fault->code, "chain-", 6) != 0 &&
	    (!path || strcmp(path, r->path) == 0))
		return;
	on_left(ctx, path, fault);
}

static int check(struct report *r, bool guessed)
{
	struct vhd_disk_options disk_options =
		open_disk_options(&opt.open, r->format, 0);
	struct vhd_check_result result = {0};
	struct vhd_diag diag = {0};
	int rc = vhd_check(r->path, &disk_options, check_flags(guessed),
			   opt.dry_run ? on_chain_fault : on_fault, r, &result,
			   &diag);

	if (rc && !opt.dry_run)
		return open_failure(r->path, r->format, rc, &diag);
	if (!opt.dry_run)
		return conclude(r, &result);
	/* it may not open yet, and still be repairable */
	r->left.end = result.end;
	r->left.layers = result.layers;
	return conclude(r, &r->left);
}

static int restore(const char *path)
{
	struct vhd_diag diag = {0};
	int rc = vhd_restore(path, opt.restore, &diag);
	char *safe_path;

	if (rc)
		return diag_failure(path, rc, &diag);
	safe_path = escape(path);
	printf("%s: is what it was before the repair\n", safe_path);
	free(safe_path);
	return TOOL_DONE;
}

static int check_usage(bool guessed)
{
	if (guessed && opt.chain) {
		diag_usage("check: --chain does not follow parents of a file "
			   "whose format is a guess");
		diag_hint("say the format with -f");
		return TOOL_USAGE;
	}
	if (opt.dry_run && !opt.repair)
		return diag_usage("check: --dry-run belongs to --repair");
	if (opt.backup && !opt.repair)
		return diag_usage("check: --backup belongs to --repair");
	if (opt.force && !opt.backup)
		return diag_usage("check: --force belongs to --backup");
	if (opt.size.given && opt.repair != REPAIR_SALVAGE)
		return diag_usage("check: --size belongs to --repair=salvage");
	return TOOL_DONE;
}

static int run_check(struct report *r, bool guessed)
{
	int rc = TOOL_DONE;

	r->faults = json_new_array();
	r->repairs = json_new_array();
	if (opt.repair)
		rc = repair(r);
	if (!rc)
		rc = check(r, guessed);
	json_decref(r->repairs);
	json_decref(r->faults);
	return rc;
}

static int run(const char *const *arguments)
{
	struct report r = {.path = arguments[0]};
	bool guessed;
	int rc;

	if (opt.restore && (opt.repair || opt.json || opt.chain))
		return diag_usage("check: --restore stands alone");
	if (opt.restore)
		return restore(r.path);
	if (!opt.repair)
		confine_reader(arguments, 1, &opt.open, NULL);
	rc = open_guess_format(r.path, opt.open.format, &r.format, &guessed);
	if (!rc)
		rc = check_usage(guessed);
	return rc ? rc : run_check(&r, guessed);
}

const struct command check_command = {
	.name = "check",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "look for faults in an image",
	.description =
		"Checks all copies of all structures, the block table, "
		"bitmaps, log and space, and that the parents are there "
		"and the right ones. Each fault is named with its "
		"structure, file offset and consequence. A remark is worth "
		"knowing, but no fault. Without --repair nothing is "
		"changed. --repair touches no block that can be read and "
		"leaves damaged ones alone; --repair=salvage mends these as "
		"well and says which bytes of the disk are lost. A repair "
		"that was cut short is run again. With --dry-run the exit "
		"status is that of a check after a real run.",
	.options = options,
	.examples = "  vhdtool check disk.vhdx\n"
		    "  vhdtool check --json --chain snapshot.avhd | "
		    "jq '.faults[].code'\n"
		    "  vhdtool check --repair crashed.vhd\n"
		    "  vhdtool check --repair=salvage --backup undo cut.vhdx\n"
		    "  vhdtool check --restore undo cut.vhdx",
	.exits = "  0  no faults\n  1  could not check\n  2  wrong usage\n"
		 "  3  faults found\n"
		 "  4  nothing wrong, but space is leaked",
	.run = run,
};
