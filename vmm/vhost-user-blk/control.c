/* SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "loop.h"
#include "unixsocket.h"

#define LINE_MAX_BYTES 65536u

struct client {
	struct client *next;
	struct vub_source source;
	size_t length;
	char line[LINE_MAX_BYTES];
};

static struct {
	struct vub_source source;
	char *path;
	struct client *clients;
	bool quit;
} control = {.source = {.fd = -1}};

static void drop(struct client *c)
{
	struct client **at = &control.clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	vub_loop_remove(&c->source);
	close(c->source.fd);
	free(c);
}

/* a client that does not read its answers is dropped */
static bool say(struct client *c, const json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);
	size_t length;
	bool sent;

	if (!text)
		return false;
	length = strlen(text);
	text[length] = '\n'; /* instead of the zero */
	sent = send(c->source.fd, text, length + 1,
		    MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length + 1;
	free(text);
	return sent;
}

/* the first line, if there is a whole one; 1 done, 0 none, -1 drop it */
static int do_line(struct client *c)
{
	char *end = memchr(c->line, '\n', c->length);
	json_t *answer;
	size_t length;
	bool sent;

	if (!end)
		return c->length == sizeof(c->line) ? -1 : 0;
	length = (size_t)(end - c->line);
	answer = vub_command_run(c->line, length, &control.quit);
	sent = say(c, answer);
	json_decref(answer);
	c->length -= length + 1;
	memmove(c->line, end + 1, c->length);
	return sent ? 1 : -1;
}

static void hear(void *ctx)
{
	struct client *c = ctx;
	ssize_t n = recv(c->source.fd, c->line + c->length,
			 sizeof(c->line) - c->length, MSG_DONTWAIT);
	int rc;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	c->length += (size_t)n;
	do {
		rc = do_line(c);
	} while (rc > 0);
	if (rc < 0)
		drop(c);
}

static void greet(void *ctx)
{
	int fd = vub_accept(control.source.fd);
	struct client *c = fd < 0 ? NULL : malloc(sizeof(*c));

	(void)ctx;
	if (!c) {
		if (fd >= 0)
			close(fd);
		return;
	}
	c->source = (struct vub_source){fd, hear, c};
	c->length = 0;
	c->next = control.clients;
	control.clients = c;
	if (vub_loop_add(&c->source))
		drop(c);
}

int vub_control_open(const char *path)
{
	control.path = strdup(path);
	control.source = (struct vub_source){vub_listen(path), greet, &control};
	if (!control.path || control.source.fd < 0)
		return -1;
	return vub_loop_add(&control.source);
}

void vub_control_close(void)
{
	while (control.clients)
		drop(control.clients);
	if (control.source.fd >= 0) {
		close(control.source.fd);
		unlink(control.path);
	}
	free(control.path);
}

bool vub_control_quits(void)
{
	return control.quit;
}
