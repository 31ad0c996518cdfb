/* SPDX-License-Identifier: BSD-2-Clause */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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

int json_print(json_t *document)
{
	char *text = tool_must(json_dumps(document, JSON_INDENT(4)));

	json_decref(document);
	fputs(text, stdout);
	fputc('\n', stdout);
	free(text);
	return output_finish();
}
