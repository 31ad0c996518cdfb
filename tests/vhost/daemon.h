/* SPDX-License-Identifier: BSD-2-Clause */
/* The program under test, and images for it. */
#ifndef TESTS_VHOST_DAEMON_H
#define TESTS_VHOST_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

extern int test_failed;

#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#condition);                                   \
			test_failed = 1;                                       \
		}                                                              \
	} while (0)

/* main() of each test begins with this: argv is PROGRAM DIR. */
void test_begin(int argc, char **argv);
/* A path in the test's folder; one of a few static buffers. */
const char *test_path(const char *name);

/* Starts it; the list of arguments ends with NULL. */
pid_t daemon_start(const char *first, ...);
/* SIGTERM, and its exit status; -1 if a signal ended it. */
int daemon_stop(pid_t pid);
void daemon_kill(pid_t pid);
bool daemon_lives(pid_t pid);
/* Ticks of processor time that it has used. */
unsigned long daemon_ticks(pid_t pid);
/* Open descriptors of the process. */
unsigned daemon_fds(pid_t pid);

/* An empty image, over a parent of random bytes if `differencing`. The format
 * is that of the name. */
void image_make(const char *path, uint64_t size, bool differencing);
/* An empty image over another one in the same folder. */
void image_make_child(const char *parent, const char *path);
void image_write(const char *path, uint64_t offset, const void *bytes,
		 size_t length);
/* What the image holds; free() it. */
uint8_t *image_read(const char *path, uint64_t *size);
/* Compares what the image holds with `expected`. */
void image_expect(const char *path, const uint8_t *expected, uint64_t size);

/* One command on the control socket; the answer, free() it. */
char *control_say(const char *socket, const char *line);
/* True if the answer has "ok":true. */
bool control_ok(const char *socket, const char *line);

/* The next number by a seed. */
uint64_t lot(uint64_t *seed);

#endif
