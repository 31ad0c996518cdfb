/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vhost-user front end with a block driver: what a monitor and a guest do,
 * in one process, for tests and benchmarks. The guest's memory is a memfd, in
 * two regions that meet in the guest's address space. What fails that must not
 * ends the program with a message.
 */
#ifndef TESTS_VHOST_FRONTEND_H
#define TESTS_VHOST_FRONTEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto.h"
#include "virtio.h"

#define FRONT_QUEUES 16u
#define FRONT_GUEST  ((uint64_t)1 << 32) /* where guest memory begins */
#define FRONT_PIECES 64u                 /* data descriptors of one request */

struct front_options {
	unsigned queues;     /* 0: 1 */
	unsigned ring;       /* descriptors; 0: 128 */
	size_t memory;       /* bytes for data; 0: 16 MiB */
	uint64_t without;    /* features not to negotiate */
	bool inflight;       /* keep track of what is in flight */
	bool stop_after_mem; /* rings are not set up */
	bool no_kick;        /* the back end is to look by itself */
};

struct front_slot {
	void *user;
	bool busy;
	unsigned descs; /* of the ring */
};

struct front_queue {
	struct front *front;
	unsigned index;
	unsigned num;
	struct virtq_desc *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
	uint8_t *headers; /* 16 bytes a head */
	uint8_t *status;  /* a byte a head */
	struct virtq_desc *tables;
	struct front_slot *slots;
	uint16_t *free; /* descriptors */
	unsigned free_count;
	uint16_t avail_idx;
	uint16_t kicked; /* avail_idx at the last kick */
	uint16_t last_used;
	int kick;
	int call;
	int error;
	uint64_t kicks; /* that were needed */
	uint64_t calls; /* that came */
};

struct front {
	struct front_options options;
	int fd;
	int backend; /* our end of the back end's channel */
	uint64_t features;
	uint64_t protocol;
	int memory_fd;
	uint8_t *memory;
	size_t memory_size;
	size_t memory_used;
	uint64_t data; /* guest address of options.memory bytes */
	unsigned backend_queues;
	struct virtio_blk_config config;
	int inflight_fd;
	struct vub_inflight_area inflight;
	struct front_queue queues[FRONT_QUEUES];
};

/* One request. */
struct front_io {
	uint32_t type;
	uint64_t sector;
	uint64_t address; /* of the data, in the guest */
	uint32_t length;
	unsigned pieces;   /* descriptors for the data; 0: 1 */
	bool split_header; /* over two descriptors */
	bool indirect;
	void *user;
};

struct front_done {
	void *user;
	uint16_t head;
	uint8_t status;
	uint32_t length;
};

/* Connects, as soon as the back end listens, and starts the rings. */
struct front *front_open(const char *path, const struct front_options *options);
void front_close(struct front *front);
/* The connection alone. */
void front_disconnect(struct front *front);
/* Again, with the same memory, rings and record of what is in flight. */
void front_reconnect(struct front *front, const char *path);
/* Stops the rings in order; front_start() goes on with them. */
void front_stop(struct front *front);
void front_start(struct front *front);

/* Our address of the guest's. */
void *front_at(const struct front *front, uint64_t guest);

/* The head, or -1: no descriptors are free. Not yet kicked. */
int front_submit(struct front_queue *queue, const struct front_io *io);
/* Tells the back end, if it wants to be told. */
void front_kick(struct front_queue *queue);
/* One that is done, without waiting. */
bool front_reap(struct front_queue *queue, struct front_done *out);
/* Waits to be told; false after the timeout. */
bool front_wait(struct front_queue *queue, int timeout_ms);
/* One request from beginning to end; its status. */
uint8_t front_do(struct front_queue *queue, const struct front_io *io);

/* -- messages, for tests that send odd ones ----------------------------------
 */

/* Connects, no more. */
int front_connect(const char *path);
/* 0, or -1 with errno. */
int front_send(int fd, uint32_t request, uint32_t flags, const void *payload,
	       size_t size, const int *fds, unsigned fd_count);
/* The size of the payload, or -1 if the connection is over. *fd may be NULL. */
int front_receive(int fd, struct vub_header *header, void *payload, size_t room,
		  int *got_fd);
/* Sends, and waits for the acknowledgment: true if it was accepted. */
bool front_set(struct front *front, uint32_t request, const void *payload,
	       size_t size, int fd);
uint64_t front_get(struct front *front, uint32_t request);
void front_read_config(struct front *front);

#endif
