/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first blocks that become partial in a chunk of a VHDX child, at the same
 * time: they share one sector bitmap block, which none of them finds. Guards
 * against a second one that takes the bits of the first with it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvhd.h>

#define THREADS 4u
#define CHUNKS  256u
#define CHUNK   ((uint64_t)4 << 30) /* of the disk, with sectors of 512 bytes */
#define BLOCK   ((uint64_t)1 << 20)
#define PIECE   4096u

static struct vhd_disk *disk;
static pthread_barrier_t barrier;

static void must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "%s: %s\n", what, vhd_strerror(rc));
	exit(1);
}

static uint64_t place(unsigned chunk, unsigned thread)
{
	return chunk * CHUNK + thread * BLOCK;
}

static void *work(void *arg)
{
	unsigned thread = (unsigned)(uintptr_t)arg;
	uint8_t buf[PIECE];

	memset(buf, (int)thread + 1, sizeof(buf));
	for (unsigned chunk = 0; chunk < CHUNKS; chunk++) {
		pthread_barrier_wait(&barrier);
		must(vhd_disk_write(disk, place(chunk, thread), buf,
				    sizeof(buf), NULL),
		     "write");
	}
	return NULL;
}

static void write_all(void)
{
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (uintptr_t i = 0; i < THREADS; i++)
		must(pthread_create(&threads[i], NULL, work, (void *)i),
		     "thread");
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
}

static unsigned count_lost(void)
{
	unsigned lost = 0;
	uint8_t buf[PIECE];

	for (unsigned i = 0; i < CHUNKS * THREADS; i++) {
		must(vhd_disk_read(disk, place(i / THREADS, i % THREADS), buf,
				   sizeof(buf), NULL),
		     "read");
		lost += buf[0] != i % THREADS + 1;
	}
	return lost;
}

static void open_disk(const char *path, uint32_t flags)
{
	struct vhd_disk_options o = {
		.size = sizeof(o),
		.format = VHD_FORMAT_VHDX,
		.flags = flags,
	};

	must(vhd_disk_open(path, &o, &disk, NULL), "open");
}

static void make_family(void)
{
	struct vhd_create_options o = {
		.size = sizeof(o),
		.format = VHD_FORMAT_VHDX,
		.virtual_size = CHUNKS * CHUNK,
		.block_size = BLOCK,
	};

	must(vhd_create("base.vhdx", &o, NULL), "create");
	open_disk("base.vhdx", 0);
	o.virtual_size = 0;
	o.parent = disk;
	o.parent_name = "base.vhdx";
	must(vhd_create("child.vhdx", &o, NULL), "create a child");
	vhd_disk_close(disk);
}

int main(void)
{
	char folder[] = "/tmp/first-bits-XXXXXX";
	unsigned lost;

	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	make_family();
	open_disk("child.vhdx", VHD_DISK_WRITE);
	write_all();
	lost = count_lost();
	must(vhd_disk_shut(disk, NULL), "shut");
	vhd_disk_close(disk);
	unlink("child.vhdx");
	unlink("base.vhdx");
	rmdir(folder);
	printf("%u of %u writes are lost\n", lost, CHUNKS * THREADS);
	return lost != 0;
}
