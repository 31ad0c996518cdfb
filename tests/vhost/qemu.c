/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A front end that is not ours: QEMU, whose firmware boots from the disk. The
 * boot sector reads sector 5, writes it to sector 6, and ends the machine with
 * a code that says whether both worked.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include "daemon.h"
#include "frontend.h"

#define SIZE ((uint64_t)4 << 20)
#define GOOD 0x10
#define BAD  0x11

/* at 0x7c00; the packets that name the sectors are behind it */
static const uint8_t code[] = {
	0xfa,                   /* cli */
	0x31, 0xc0,             /* xor ax, ax */
	0x8e, 0xd8,             /* mov ds, ax */
	0x88, 0x16, 0x00, 0x7e, /* mov [0x7e00], dl: the drive */
	0xfb,                   /* sti */
	0xbe, 0x80, 0x7d,       /* mov si, 0x7d80 */
	0xb8, 0x00, 0x42,       /* mov ax, 0x4200: read */
	0xcd, 0x13,             /* int 0x13 */
	0x72, 0x14,             /* jc bad */
	0x8a, 0x16, 0x00, 0x7e, /* mov dl, [0x7e00] */
	0xbe, 0x90, 0x7d,       /* mov si, 0x7d90 */
	0xb8, 0x00, 0x43,       /* mov ax, 0x4300: write */
	0xcd, 0x13,             /* int 0x13 */
	0x72, 0x06,             /* jc bad */
	0xba, 0x01, 0x05,       /* mov dx, 0x501 */
	0xb0, GOOD,             /* mov al, GOOD */
	0xee,                   /* out dx, al */
	0xba, 0x01, 0x05,       /* bad: mov dx, 0x501 */
	0xb0, BAD,              /* mov al, BAD */
	0xee,                   /* out dx, al */
	0xf4,                   /* hlt */
};

/* one sector between 0x8000 and `sector` */
static void put_packet(uint8_t *at, uint8_t sector)
{
	const uint8_t packet[16] = {16, 0, 1, 0, 0, 0x80, 0, 0, sector};

	memcpy(at, packet, sizeof(packet));
}

static void make_disk(const char *path, uint8_t *data)
{
	uint8_t boot[512] = {0};
	uint64_t seed = 3;

	memcpy(boot, code, sizeof(code));
	put_packet(boot + 0x180, 5);
	put_packet(boot + 0x190, 6);
	boot[510] = 0x55;
	boot[511] = 0xaa;
	for (unsigned i = 0; i < 512; i++)
		data[i] = (uint8_t)lot(&seed);
	image_make(path, SIZE, false);
	image_write(path, 0, boot, sizeof(boot));
	image_write(path, 5 * 512, data, 512);
}

/* its exit status */
static int run_qemu(const char *socket)
{
	char chardev[600];
	int status;
	pid_t pid;

	snprintf(chardev, sizeof(chardev), "socket,id=c,path=%s", socket);
	pid = fork();
	if (!pid) {
		execlp("qemu-system-x86_64", "qemu-system-x86_64", "-accel",
		       "tcg", "-m", "64M", "-object",
		       "memory-backend-memfd,id=mem,size=64M,share=on", "-numa",
		       "node,memdev=mem", "-chardev", chardev, "-device",
		       "vhost-user-blk-pci,chardev=c,num-queues=2,bootindex=0",
		       "-device", "isa-debug-exit,iobase=0x501,iosize=1",
		       "-nodefaults", "-display", "none", (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void round_of(const char *path)
{
	uint8_t data[512], *bytes;
	uint64_t size;
	pid_t pid;
	int rc;

	make_disk(path, data);
	pid = daemon_start("--socket", test_path("q.sock"), "--queues", "2",
			   path, NULL);
	/* it listens now; QEMU does not wait for that */
	close(front_connect(test_path("q.sock")));
	rc = run_qemu(test_path("q.sock"));
	EXPECT(daemon_stop(pid) == 0);
	if (rc == 127) {
		printf("skipped: no qemu-system-x86_64\n");
		exit(77);
	}
	EXPECT(rc == (GOOD << 1 | 1));
	bytes = image_read(path, &size);
	EXPECT(!memcmp(bytes + 6 * 512, data, 512));
	free(bytes);
}

int main(int argc, char **argv)
{
	test_begin(argc, argv);
	round_of(test_path("q.vhd"));
	round_of(test_path("q.vhdx"));
	return test_failed;
}
