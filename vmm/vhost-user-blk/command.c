/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be said on the control socket. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "format.h"
#include "json.h"
#include "registry.h"
#include "session.h"

struct answer {
	json_t *object; /* what is added to it is part of the answer */
	char error[VUB_ERROR_SIZE];
};

static int fail(struct answer *a, const char *what, const char *key)
{
	snprintf(a->error, sizeof(a->error), "%s%s%s", what, key ? ": " : "",
		 key ? key : "");
	return -1;
}

/* -- members -----------------------------------------------------------------
 */

enum member_kind {
	MEMBER_TEXT,   /* const char * */
	MEMBER_COUNT,  /* unsigned */
	MEMBER_SIZE,   /* uint64_t */
	MEMBER_FLAG,   /* bool */
	MEMBER_FORMAT, /* int */
	MEMBER_FULL,   /* enum vub_on_full */
	MEMBER_LIST,   /* struct option_list */
};

struct member {
	const char *name;
	enum member_kind kind;
	void *target;
};

static int set_number(const struct member *m, const json_t *value)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0)
		return -1;
	if (m->kind == MEMBER_SIZE)
		*(uint64_t *)m->target = (uint64_t)n;
	else if (n > INT32_MAX)
		return -1;
	else
		*(unsigned *)m->target = (unsigned)n;
	return 0;
}

static int set_choice(const struct member *m, const char *text)
{
	static const char *const names[] = {"report", "stop", "retry"};

	if (m->kind == MEMBER_FORMAT) {
		*(int *)m->target = format_from_name(text);
		return *(int *)m->target ? 0 : -1;
	}
	for (unsigned i = 0; i < 3; i++)
		if (!strcmp(names[i], text)) {
			*(enum vub_on_full *)m->target = i;
			return 0;
		}
	return -1;
}

static int set_list(const struct member *m, const json_t *value)
{
	json_t *item;
	size_t i;

	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item))
			return -1;
		option_list_add(m->target, json_string_value(item));
	}
	return json_is_array(value) ? 0 : -1;
}

static int set_member(const struct member *m, const json_t *value)
{
	const char *text = json_string_value(value);

	switch (m->kind) {
	case MEMBER_COUNT:
	case MEMBER_SIZE:
		return set_number(m, value);
	case MEMBER_FLAG:
		*(bool *)m->target = json_is_true(value);
		return json_is_boolean(value) ? 0 : -1;
	case MEMBER_LIST:
		return set_list(m, value);
	case MEMBER_FORMAT:
	case MEMBER_FULL:
		return text ? set_choice(m, text) : -1;
	case MEMBER_TEXT:
		*(const char **)m->target = text;
		return text ? 0 : -1;
	}
	return -1;
}

/* All members of a request but "command"; the list ends with a NULL name. */
static int read_members(json_t *request, const struct member *members,
			struct answer *a)
{
	const char *key;
	json_t *value;

	json_object_foreach(request, key, value)
	{
		const struct member *m = members;

		if (!strcmp(key, "command"))
			continue;
		while (m->name && strcmp(m->name, key) != 0)
			m++;
		if (!m->name)
			return fail(a, "not known", key);
		if (set_member(m, value))
			return fail(a, "not a possible value", key);
	}
	return 0;
}

/* -- commands ----------------------------------------------------------------
 */

static int add_device(const struct vub_device_options *o, struct answer *a)
{
	if (!o->id || !o->image || !o->socket)
		return fail(a, "id, image and socket are needed", NULL);
	if (!o->queues || o->queues > VUB_QUEUES_MAX)
		return fail(a, "not a possible number of queues", NULL);
	return vub_registry_add(o, a->error);
}

static int run_add(json_t *request, struct answer *a)
{
	struct vub_device_options o = {.queues = 1};
	const struct member members[] = {
		{"id", MEMBER_TEXT, &o.id},
		{"image", MEMBER_TEXT, &o.image},
		{"socket", MEMBER_TEXT, &o.socket},
		{"serial", MEMBER_TEXT, &o.serial},
		{"queues", MEMBER_COUNT, &o.queues},
		{"read_only", MEMBER_FLAG, &o.read_only},
		{"format", MEMBER_FORMAT, &o.open.format},
		{"parent", MEMBER_TEXT, &o.open.parent},
		{"parent_roots", MEMBER_LIST, &o.open.parent_roots},
		{"ignore_children", MEMBER_FLAG, &o.open.ignore_children},
		{"on_full", MEMBER_FULL, &o.on_full},
		{"wait", MEMBER_COUNT, &o.wait},
		{"poll_us", MEMBER_COUNT, &o.poll_us},
		{0},
	};
	int rc = read_members(request, members, a);

	if (!rc)
		rc = add_device(&o, a);
	free(o.open.parent_roots.items);
	return rc;
}

static struct vub_device *find_device(const char *id, struct answer *a)
{
	struct vub_device *d = id ? vub_registry_find(id) : NULL;

	if (!d)
		fail(a, id ? "no such disk" : "id is needed", id);
	return d;
}

/* the disk that a request with nothing but an id, and a size, is about */
static struct vub_device *find(json_t *request, uint64_t *size,
			       struct answer *a)
{
	const char *id = NULL;
	const struct member members[] = {
		{"id", MEMBER_TEXT, &id},
		{size ? "size" : NULL, MEMBER_SIZE, size},
		{0},
	};

	return read_members(request, members, a) ? NULL : find_device(id, a);
}

static int run_remove(json_t *request, struct answer *a)
{
	struct vub_device *d = find(request, NULL, a);

	if (!d)
		return -1;
	vub_registry_remove(d);
	return 0;
}

static int run_resize(json_t *request, struct answer *a)
{
	uint64_t size = 0;
	struct vub_device *d = find(request, &size, a);

	return d ? vub_device_resize(d, size, a->error) : -1;
}

static int run_resume(json_t *request, struct answer *a)
{
	struct vub_device *d = find(request, NULL, a);

	if (!d)
		return -1;
	for (unsigned i = 0; d->session && i < d->queues; i++)
		vub_queue_resume(&d->session->queues[i]);
	return 0;
}

static int run_compact(json_t *request, struct answer *a)
{
	const struct vub_job_options o = {.kind = VUB_JOB_COMPACT};
	struct vub_device *d = find(request, NULL, a);

	return d ? vub_device_begin(d, &o, a->error) : -1;
}

static int run_merge(json_t *request, struct answer *a)
{
	struct vub_job_options o = {.kind = VUB_JOB_MERGE};
	const char *id = NULL;
	const struct member members[] = {
		{"id", MEMBER_TEXT, &id},
		{"from", MEMBER_TEXT, &o.from},
		{"into", MEMBER_TEXT, &o.into},
		{"delete", MEMBER_FLAG, &o.delete},
		{"ignore_children", MEMBER_FLAG, &o.ignore_children},
		{0},
	};
	struct vub_device *d;

	if (read_members(request, members, a))
		return -1;
	d = find_device(id, a);
	return d ? vub_device_begin(d, &o, a->error) : -1;
}

static int run_cancel(json_t *request, struct answer *a)
{
	struct vub_device *d = find(request, NULL, a);

	if (!d)
		return -1;
	vub_device_cancel(d);
	return 0;
}

static unsigned count_waiting(const struct vub_device *d)
{
	unsigned n = 0;

	for (unsigned i = 0; d->session && i < d->queues; i++)
		n += atomic_load(&d->session->queues[i].wait_count);
	return n;
}

static json_t *describe_layers(struct vhd_disk *disk)
{
	json_t *list = json_new_array();

	for (unsigned i = 0; i < vhd_disk_layers(disk); i++)
		json_add(list, json_new_text(vhd_disk_path(disk, i)));
	return list;
}

static json_t *describe(const struct vub_device *d)
{
	json_t *o = json_new_object();

	json_put_text(o, "id", d->id);
	json_put_text(o, "image", d->image);
	json_put_text(o, "socket", d->socket);
	json_put_size(o, "size", vhd_disk_size(d->disk));
	json_put_size(o, "queues", d->queues);
	json_put_bool(o, "read_only", d->read_only);
	json_put_bool(o, "connected", d->session != NULL);
	json_put_bool(o, "active", vhd_disk_is_active(d->disk));
	json_put_size(o, "waiting_for_space", count_waiting(d));
	if (!d->job || !vub_job_runs(d->job)) /* a merge changes them */
		json_put(o, "layers", describe_layers(d->disk));
	if (d->job)
		json_put(o, "job", vub_job_describe(d->job));
	return o;
}

static int run_list(json_t *request, struct answer *a)
{
	static const struct member none[] = {{0}};
	json_t *disks;

	if (read_members(request, none, a))
		return -1;
	disks = json_new_array();
	for (struct vub_device *d = vub_registry_first(); d; d = d->next)
		json_add(disks, describe(d));
	json_put(a->object, "disks", disks);
	return 0;
}

static int run_quit(json_t *request, struct answer *a)
{
	static const struct member none[] = {{0}};

	return read_members(request, none, a);
}

static const struct {
	const char *name;
	int (*run)(json_t *request, struct answer *a);
} commands[] = {
	{"add", run_add},         {"remove", run_remove},
	{"list", run_list},       {"resize", run_resize},
	{"resume", run_resume},   {"quit", run_quit},
	{"compact", run_compact}, {"merge", run_merge},
	{"cancel", run_cancel},
};

static int run(json_t *request, struct answer *a, bool *quit)
{
	const char *name =
		json_string_value(json_object_get(request, "command"));

	if (!name)
		return fail(a, "not a JSON object with a command", NULL);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (commands[i].run(request, a))
			return -1;
		*quit |= commands[i].run == run_quit;
		return 0;
	}
	return fail(a, "no such command", name);
}

json_t *vub_command_run(const char *line, size_t length, bool *quit)
{
	json_t *request =
		json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	struct answer a = {.object = json_new_object()};
	int rc = run(request, &a, quit);

	json_put_bool(a.object, "ok", !rc);
	if (rc)
		json_put_text(a.object, "error", a.error);
	json_decref(request);
	return a.object;
}
