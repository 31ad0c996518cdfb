/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order matters: the user id goes while that is still allowed, the system
 * calls that do all this go last. What is not on the list fails with EPERM; it
 * does not kill, because a library that asks for something it can do without
 * (its locale, a message catalogue) shall go on.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../confine.h"
#include "../confine_build.h"
#include "report.h"

#define NOBODY 65534

#define MEMORY_MAX  ((rlim_t)2 << 30)
#define SECONDS_MAX ((rlim_t)600)

/* of confine.c: what it could not have in time ends us */
void confine_must(int err)
{
	if (!confine_is_short(err))
		return;
	report_error(err == ENOMEM ? "out of memory" : "too many open files");
	(void)fflush(stdout);
	_exit(1);
}

/* In a user namespace without a nobody this fails, and root there is none. */
static void drop_root(void)
{
	if (geteuid() != 0)
		return;
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return;
}

static int limit(__rlimit_resource_t resource, rlim_t value)
{
	const struct rlimit limits = {value, value};

	return setrlimit(resource, &limits);
}

static int set_limits(void)
{
	if (!CONFINE_REPORTS && limit(RLIMIT_AS, MEMORY_MAX))
		return -1;
	return limit(RLIMIT_CPU, SECONDS_MAX) || limit(RLIMIT_CORE, 0) ||
	       limit(RLIMIT_NOFILE, 0);
}

/* -- system calls ---------------------------------------------------------- */

/* Reading what is open, memory, and the end. */
static const int allowed[] = {
	SCMP_SYS(read),         SCMP_SYS(pread64),        SCMP_SYS(lseek),
	SCMP_SYS(_llseek),      SCMP_SYS(fstat),          SCMP_SYS(fstat64),
	SCMP_SYS(fadvise64),    SCMP_SYS(fadvise64_64),   SCMP_SYS(brk),
	SCMP_SYS(munmap),       SCMP_SYS(mremap),         SCMP_SYS(madvise),
	SCMP_SYS(futex),        SCMP_SYS(clock_gettime),  SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static int allow_always(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		int rc =
			seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);

		if (rc)
			return rc;
	}
	return 0;
}

/* Calls on one descriptor only. */
static int allow_on(scmp_filter_ctx filter, int call, int fd)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd, 0));
}

/* What the sanitizer does at the end of a program and in a report. */
static int allow_sanitizer(scmp_filter_ctx filter)
{
	int rc = 0;

	if (CONFINE_REPORTS) {
		rc = allow_on(filter, SCMP_SYS(write), STDERR_FILENO);
		if (!rc)
			rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
					      SCMP_SYS(sigaltstack), 0);
	}
	return rc;
}

static int allow_writing(scmp_filter_ctx filter, int scratch)
{
	int rc = allow_on(filter, SCMP_SYS(write), STDOUT_FILENO);

	if (!rc)
		rc = allow_on(filter, SCMP_SYS(pwrite64), scratch);
	if (!rc)
		rc = allow_on(filter, SCMP_SYS(ftruncate), scratch);
	return rc;
}

/* glibc's fstat(): a descriptor, no name */
static int allow_fstat(scmp_filter_ctx filter)
{
	return seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
		SCMP_A3(SCMP_CMP_EQ, (scmp_datum_t)AT_EMPTY_PATH, 0));
}

/* Memory, but none that holds new code. */
static int allow_memory(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_code =
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				  no_code);

	if (!rc)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap2),
				      1, no_code);
	if (!rc)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
				      SCMP_SYS(mprotect), 1, no_code);
	return rc;
}

static int forbid_calls(int scratch)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (!filter)
		return -1;
	rc = allow_always(filter);
	if (!rc)
		rc = allow_writing(filter, scratch);
	if (!rc)
		rc = allow_fstat(filter);
	if (!rc)
		rc = allow_memory(filter);
	if (!rc)
		rc = allow_sanitizer(filter);
	if (!rc)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	if (rc)
		errno = -rc;
	return rc;
}

const char *sandbox_enter(int scratch)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return "cannot give up new privileges";
	confine_files(NULL, 0);
	drop_root();
	if (set_limits())
		return "cannot limit memory and time";
	if (forbid_calls(scratch))
		return "cannot forbid system calls (seccomp)";
	return NULL;
}
