/* SPDX-License-Identifier: BSD-2-Clause */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/landlock.h>

#include "confine_build.h"

/* of later headers than some that we are built with */
#define ACCESS_REFER     (UINT64_C(1) << 13) /* ABI 2 */
#define ACCESS_TRUNCATE  (UINT64_C(1) << 14) /* ABI 3 */
#define ACCESS_IOCTL_DEV (UINT64_C(1) << 15) /* ABI 5 */
#define NET_BIND         (UINT64_C(1) << 0)  /* ABI 4 */
#define NET_CONNECT      (UINT64_C(1) << 1)

#define FIRST_RIGHTS ((UINT64_C(1) << 13) - 1) /* ABI 1 */
#define READS        (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define SOCKETS      (LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define MAKES                                                                  \
	(SOCKETS | LANDLOCK_ACCESS_FS_MAKE_REG | ACCESS_REFER |                \
	 LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)
/* those that a rule for a single file may have */
#define FILE_RIGHTS                                                            \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |        \
	 ACCESS_TRUNCATE | ACCESS_IOCTL_DEV)

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
};

/* -- Landlock -------------------------------------------------------------- */

static int abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
			    LANDLOCK_CREATE_RULESET_VERSION);
}

static int new_ruleset(const struct ruleset_attr *attr, int version)
{
	/* an older kernel knows the first field only */
	size_t size = version >= 4 ? sizeof(*attr) : sizeof(uint64_t);

	int fd = (int)syscall(SYS_landlock_create_ruleset, attr, size, 0);

	if (fd < 0)
		confine_must(errno);
	return fd;
}

static bool restrict_self(int ruleset)
{
	bool done = !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
		    !syscall(SYS_landlock_restrict_self, ruleset, 0);

	if (!done)
		confine_must(errno);
	close(ruleset);
	return done;
}

static uint64_t handled(int version)
{
	return FIRST_RIGHTS | (version >= 2 ? ACCESS_REFER : 0) |
	       (version >= 3 ? ACCESS_TRUNCATE : 0) |
	       (version >= 5 ? ACCESS_IOCTL_DEV : 0);
}

static uint64_t rights(enum confine_right right)
{
	static const uint64_t all[] = {
		[CONFINE_READ] = READS | ACCESS_IOCTL_DEV,
		[CONFINE_WRITE] = READS | LANDLOCK_ACCESS_FS_WRITE_FILE |
				  ACCESS_TRUNCATE | ACCESS_IOCTL_DEV,
		[CONFINE_MAKE] = READS | MAKES,
		[CONFINE_SOCKET] = SOCKETS,
	};

	return all[right];
}

static void allow(int ruleset, const struct confine_path *path, uint64_t mask)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights(path->right) & mask,
		.parent_fd = (int)TEMP_FAILURE_RETRY(
			open(path->path, O_PATH | O_CLOEXEC)),
	};
	struct stat st;

	if (rule.parent_fd < 0) {
		confine_must(errno);
		return;
	}
	if (!fstat(rule.parent_fd, &st) && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FILE_RIGHTS;
	if (rule.allowed_access &&
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		    &rule, 0))
		confine_must(errno);
	close(rule.parent_fd);
}

bool confine_files(const struct confine_path *paths, size_t count)
{
	int version = CONFINE_REPORTS ? 0 : abi(), ruleset;
	struct ruleset_attr attr = {0};

	if (version < 1) {
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		return false;
	}
	attr.handled_access_fs = handled(version);
	ruleset = new_ruleset(&attr, version);
	if (ruleset < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		allow(ruleset, &paths[i], attr.handled_access_fs);
	return restrict_self(ruleset);
}

void confine_network(void)
{
	const struct ruleset_attr attr = {
		.handled_access_net = NET_BIND | NET_CONNECT,
	};
	int version = CONFINE_REPORTS ? 0 : abi(), ruleset;

	if (version < 4)
		return;
	ruleset = new_ruleset(&attr, version);
	if (ruleset >= 0)
		(void)restrict_self(ruleset);
}

/* -- privileges ------------------------------------------------------------ */

static void keep_capabilities(uint32_t kept)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {{0}, {0}};

	if (syscall(SYS_capget, &header, data))
		return;
	data[0].effective &= kept;
	data[0].permitted &= kept;
	data[0].inheritable &= kept;
	data[1] = (struct __user_cap_data_struct){0};
	(void)syscall(SYS_capset, &header, data);
}

void confine_privileges(bool all)
{
	const uint32_t files = 1u << CAP_DAC_OVERRIDE |
			       1u << CAP_DAC_READ_SEARCH | 1u << CAP_FOWNER;

	if (!CONFINE_REPORTS)
		keep_capabilities(all ? 0 : files);
}
