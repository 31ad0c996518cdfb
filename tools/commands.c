/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of vhdtool's commands, in the order of its help. The program looks
 * them up here; what completes command lines in a shell is made from it.
 */
#include "command.h"

const struct command *const vhdtool_commands[] = {
	&create_command,     &snapshot_command,     &info_command,
	&chain_command,      &map_command,          &measure_command,
	&convert_command,    &compare_command,      &hash_command,
	&read_command,       &write_command,        &zero_command,
	&discard_command,    &check_command,        &compact_command,
	&trim_command,       &resize_command,       &merge_command,
	&rebase_command,     &set_command,          &log_command,
	&dump_command,       &mount_command,        &umount_command,
	&attach_command,     &detach_command,       &serve_command,
	&boot_check_command, &boot_install_command, NULL,
};
