/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_VHOST_HOSTILE_H
#define TESTS_VHOST_HOSTILE_H

/* Sends what no front end should to the program that listens there. */
void hostile_messages(const char *socket);

#endif
