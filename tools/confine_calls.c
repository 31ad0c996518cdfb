/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two kinds of filters. One that reads lists what is left; a server, in which
 * libraries and other programs' code runs, lists what is gone. What is gone
 * fails with EPERM and does not kill: a library that asks for something it can
 * do without shall go on.
 */
#include "confine.h"

#include "confine_build.h"

#ifndef VHD_HAVE_SECCOMP

void confine_calls(enum confine_calls left)
{
	(void)left;
}

#else

#	include <errno.h>
#	include <fcntl.h>
#	include <sched.h>
#	include <stdint.h>
#	include <sys/ioctl.h>
#	include <sys/mman.h>
#	include <sys/prctl.h>

#	include <linux/fiemap.h>
#	include <linux/fs.h>
#	include <seccomp.h>

#	define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* What is open is read and written, memory, threads, time, and the end. */
static const int reading[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(close),
	SCMP_SYS(copy_file_range),
	SCMP_SYS(dup),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fcntl),
	SCMP_SYS(flock),
	SCMP_SYS(fstat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(futex),
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getuid),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(nanosleep),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(pread64),
	SCMP_SYS(preadv),
	SCMP_SYS(preadv2),
	SCMP_SYS(pwrite64),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sendfile),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(splice),
	SCMP_SYS(tgkill),
	SCMP_SYS(time),
	SCMP_SYS(vmsplice),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

/* And names, to open what is behind them. */
static const int opening[] = {
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(fchdir),
	SCMP_SYS(getcwd),
	SCMP_SYS(getdents64),
	SCMP_SYS(lstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(openat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(stat),
	SCMP_SYS(statfs),
	SCMP_SYS(statx),
	/* what confine.c needs for the second round */
	SCMP_SYS(capget),
	SCMP_SYS(capset),
	SCMP_SYS(prctl),
	SCMP_SYS(seccomp),
	SCMP_SYS(landlock_create_ruleset),
	SCMP_SYS(landlock_restrict_self),
};

/* Sizes of devices, and of the terminal that progress is shown on. */
static const unsigned long requests[] = {
	BLKGETSIZE64,    BLKSSZGET, BLKPBSZGET, FS_IOC_FIEMAP,
	FS_IOC_GETFLAGS, TCGETS,    TIOCGWINSZ,
};

/* Nothing that serves disks starts programs or looks into other processes. */
static const int not_serving[] = {
	SCMP_SYS(acct),
	SCMP_SYS(add_key),
	SCMP_SYS(bpf),
	SCMP_SYS(chroot),
	SCMP_SYS(delete_module),
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(finit_module),
	SCMP_SYS(fsmount),
	SCMP_SYS(fsopen),
	SCMP_SYS(init_module),
	SCMP_SYS(kcmp),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(kexec_load),
	SCMP_SYS(keyctl),
	SCMP_SYS(mount),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(open_tree),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(personality),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(pivot_root),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(ptrace),
	SCMP_SYS(reboot),
	SCMP_SYS(request_key),
	SCMP_SYS(setns),
	SCMP_SYS(swapoff),
	SCMP_SYS(swapon),
	SCMP_SYS(umount2),
	SCMP_SYS(unshare),
	SCMP_SYS(userfaultfd),
};

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls,
		   size_t count)
{
	int rc = 0;

	/* some are not on every machine */
	for (size_t i = 0; i < count && (!rc || rc == -EDOM); i++)
		rc = seccomp_rule_add(filter, action, calls[i], 0);
	return rc == -EDOM ? 0 : rc;
}

/* The call is left if the bits of its argument `number` are `value`. */
static int allow_if(scmp_filter_ctx filter, int call, unsigned number,
		    uint64_t mask, uint64_t value)
{
	const struct scmp_arg_cmp compare = {number, SCMP_CMP_MASKED_EQ, mask,
					     value};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1,
				      &compare);
}

/* Memory, but none that holds new code. */
static int allow_memory(scmp_filter_ctx filter)
{
	int rc = allow_if(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);

	return rc ? rc : allow_if(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
}

/* Threads, but no processes. clone3() keeps its flags where no filter can see
 * them; without it the C library takes clone(). */
static int allow_threads(scmp_filter_ctx filter)
{
	int rc = allow_if(filter, SCMP_SYS(clone), 0, CLONE_THREAD,
			  CLONE_THREAD);

	return rc ? rc
		  : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
				     SCMP_SYS(clone3), 0);
}

static int allow_requests(scmp_filter_ctx filter)
{
	int rc = 0;

	for (size_t i = 0; i < COUNT(requests) && !rc; i++)
		rc = allow_if(filter, SCMP_SYS(ioctl), 1, UINT32_MAX,
			      requests[i]);
	return rc;
}

/* fstat() of a descriptor, as the C library has it */
static int allow_fstat(scmp_filter_ctx filter)
{
	return allow_if(filter, SCMP_SYS(newfstatat), 3, AT_EMPTY_PATH,
			AT_EMPTY_PATH);
}

/* Only to read. openat2() has its flags in memory: there Landlock tells. */
static int allow_opening(scmp_filter_ctx filter)
{
	const uint64_t changes = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
	int rc = allow_if(filter, SCMP_SYS(openat), 2, changes, O_RDONLY);

	if (!rc)
		rc = allow_if(filter, SCMP_SYS(open), 1, changes, O_RDONLY);
	if (rc && rc != -EDOM)
		return rc;
	return add_all(filter, SCMP_ACT_ALLOW, opening, COUNT(opening));
}

static int reader_rules(scmp_filter_ctx filter, bool may_open)
{
	int rc = add_all(filter, SCMP_ACT_ALLOW, reading, COUNT(reading));

	if (!rc)
		rc = allow_memory(filter);
	if (!rc)
		rc = allow_threads(filter);
	if (!rc)
		rc = allow_requests(filter);
	if (!rc)
		rc = may_open ? allow_opening(filter) : allow_fstat(filter);
	return rc;
}

void confine_calls(enum confine_calls left)
{
	bool serving = left == CONFINE_SERVING;
	scmp_filter_ctx filter;
	int rc;

	if (CONFINE_REPORTS)
		return;
	filter = seccomp_init(serving ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
	if (!filter) {
		confine_must(ENOMEM);
		return;
	}
	rc = serving ? add_all(filter, SCMP_ACT_ERRNO(EPERM), not_serving,
			       COUNT(not_serving))
		     : reader_rules(filter, left == CONFINE_OPENING);
	if (!rc)
		rc = seccomp_load(filter);
	if (rc == -ENOMEM)
		confine_must(ENOMEM);
	seccomp_release(filter);
}

#endif
