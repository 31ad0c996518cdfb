/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool check: every fault of an image by name, place and consequence.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "diag.h"
#include "escape.h"
#include "format.h"
#include "json.h"
#include "open.h"

static struct {
	struct open_options open;
	bool chain;
	bool json;
	bool repair;
	bool dry_run;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "chain",
	 .kind = OPTION_FLAG,
	 .target = &opt.chain,
	 .help = "check each layer as well"},
	{.name = "repair",
	 .kind = OPTION_FLAG,
	 .target = &opt.repair,
	 .help = "mend what can be mended without loss, then check"},
	{.name = "dry-run",
	 .kind = OPTION_FLAG,
	 .target = &opt.dry_run,
	 .help = "with --repair: say what would be mended"},
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
	json_put_bool(out, "repairable", fault->repairable);
	if (opt.chain)
		json_put_text(out, "filename", path);
	json_add(list, out);
}

static void print_fault(const char *path, const struct vhd_fault *fault)
{
	char *safe_path = escape(path), *message = escape(fault->message);

	printf("%s: %s: %s", safe_path, severity_name(fault->severity),
	       fault->structure);
	if (fault->offset != VHD_NO_OFFSET)
		printf(" (byte %" PRIu64 ")", fault->offset);
	printf(": %s [%s%s]\n", message, fault->code,
	       fault->repairable ? ", repairable" : "");
	free(message);
	free(safe_path);
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

	if (opt.json) {
		add_fault(r->repairs, path, fault);
		return;
	}
	safe_path = escape(path);
	printf("%s: %s: %s: %s [%s]\n", safe_path,
	       opt.dry_run ? "to be mended" : "mended", fault->structure,
	       fault->message, fault->code);
	free(safe_path);
}

static int repair(struct report *r)
{
	struct vhd_diag diag = {0};
	int rc = vhd_repair(r->path, r->format,
			    opt.dry_run ? VHD_REPAIR_DRY_RUN : 0, on_mended, r,
			    &diag);

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

static int check(struct report *r, bool guessed)
{
	struct vhd_disk_options disk_options =
		open_disk_options(&opt.open, r->format, 0);
	struct vhd_check_result result = {0};
	struct vhd_diag diag = {0};
	int rc = vhd_check(r->path, &disk_options, check_flags(guessed),
			   on_fault, r, &result, &diag);

	if (rc)
		return open_failure(r->path, r->format, rc, &diag);
	if (!opt.json)
		print_summary(r, &result);
	else if (print_json(r, &result))
		return TOOL_FAILED;
	return verdict(&result);
}

static int run(const char *const *arguments)
{
	struct report r = {.path = arguments[0]};
	bool guessed;
	int rc =
		open_guess_format(r.path, opt.open.format, &r.format, &guessed);

	if (rc)
		return rc;
	if (guessed && opt.chain) {
		diag_usage("check: --chain does not follow parents of a file "
			   "whose format is a guess");
		diag_hint("say the format with -f");
		return TOOL_USAGE;
	}
	if (opt.dry_run && !opt.repair) {
		diag_usage("check: --dry-run belongs to --repair");
		return TOOL_USAGE;
	}
	r.faults = json_new_array();
	r.repairs = json_new_array();
	if (opt.repair)
		rc = repair(&r);
	if (!rc)
		rc = check(&r, guessed);
	json_decref(r.repairs);
	json_decref(r.faults);
	return rc;
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
		"changed.",
	.options = options,
	.examples = "  vhdtool check disk.vhdx\n"
		    "  vhdtool check --json --chain snapshot.avhd | "
		    "jq '.faults[].code'\n"
		    "  vhdtool check --repair crashed.vhd",
	.exits = "  0  no faults\n  1  could not check\n  2  wrong usage\n"
		 "  3  faults found\n"
		 "  4  nothing wrong, but space is leaked",
	.run = run,
};
