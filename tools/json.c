/* SPDX-License-Identifier: BSD-2-Clause */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "memory.h"
#include "output.h"

json_t *json_new_object(void)
{
	return tool_must(json_object());
}

json_t *json_new_array(void)
{
	return tool_must(json_array());
}

json_t *json_new_text(const char *text)
{
	char *valid = escape_utf8(text);
	json_t *value = tool_must(json_string(valid));

	free(valid);
	return value;
}

json_t *json_new_optional_text(const char *text)
{
	return *text ? json_new_text(text) : json_null();
}

json_t *json_new_size(uint64_t value)
{
	char text[24];

	if (value <= INT64_MAX)
		return tool_must(json_integer((json_int_t)value));
	snprintf(text, sizeof(text), "%" PRIu64, value);
	return json_new_text(text);
}

/* jansson reports running out of memory by a code; nothing else can fail */
static void must_succeed(int rc)
{
	static char anything;

	tool_must(rc ? NULL : &anything);
}

void json_put(json_t *object, const char *key, json_t *value)
{
	must_succeed(json_object_set_new(object, key, value));
}

void json_put_text(json_t *object, const char *key, const char *text)
{
	json_put(object, key, json_new_text(text));
}

void json_put_size(json_t *object, const char *key, uint64_t value)
{
	json_put(object, key, json_new_size(value));
}

void json_put_bool(json_t *object, const char *key, bool value)
{
	json_put(object, key, json_boolean(value));
}

void json_add(json_t *array, json_t *value)
{
	must_succeed(json_array_append_new(array, value));
}

struct text {
	char *bytes;
	size_t length;
	size_t room;
	bool failed;
};

static int append(const char *bytes, size_t length, void *ctx)
{
	struct text *t = ctx;
	size_t room = t->room;

	while (room < t->length + length + 1)
		room = room ? 2 * room : 256;
	if (room > t->room && !t->failed) {
		char *larger = realloc(t->bytes, room);

		t->failed = !larger;
		t->bytes = larger ? larger : t->bytes;
		t->room = larger ? room : t->room;
	}
	if (t->failed)
		return -1;
	memcpy(t->bytes + t->length, bytes, length);
	t->length += length;
	t->bytes[t->length] = '\0';
	return 0;
}

/* json_dumps() of jansson 2.14 leaves out pieces that it has no memory for, and
 * goes on. */
char *json_text(const json_t *document, size_t flags)
{
	struct text t = {0};

	if (!json_dump_callback(document, append, &t, flags) && !t.failed)
		return t.bytes;
	free(t.bytes);
	return NULL;
}

void json_write(json_t *document, size_t flags, FILE *to)
{
	char *text = tool_must(json_text(document, flags));

	json_decref(document);
	fputs(text, to);
	free(text);
}

int json_print(json_t *document)
{
	json_write(document, JSON_INDENT(4), stdout);
	fputc('\n', stdout);
	return output_finish();
}
