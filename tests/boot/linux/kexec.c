/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: kexec KERNEL INITRAMFS COMMAND-LINE
 *
 * Loads the kernel that the present one starts when it ends, for guests without
 * kexec-tools.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int kernel, initramfs;

	if (argc != 4)
		return 2;
	kernel = open(argv[1], O_RDONLY);
	initramfs = open(argv[2], O_RDONLY);
	if (syscall(SYS_kexec_file_load, kernel, initramfs, strlen(argv[3]) + 1,
		    argv[3], 0UL)) {
		perror("kexec_file_load");
		return 1;
	}
	return 0;
}
