/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON output on top of jansson. Documents reach stdout complete or not at
 * all; small ones are built in memory, long lists go through a spool file.
 */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* New values, never NULL. */
json_t *json_new_object(void);
json_t *json_new_array(void);
json_t *json_new_text(const char *text);
/* null for "" */
json_t *json_new_optional_text(const char *text);
/* An integer; above 2^63 - 1, which JSON readers cannot hold, a text. */
json_t *json_new_size(uint64_t value);

/* Put a value (owned from here on) into a container. */
void json_put(json_t *object, const char *key, json_t *value);
void json_put_text(json_t *object, const char *key, const char *text);
void json_put_size(json_t *object, const char *key, uint64_t value);
void json_put_bool(json_t *object, const char *key, bool value);
void json_add(json_t *array, json_t *value);

/* A document as a text; NULL without memory; free() it. */
char *json_text(const json_t *document, size_t flags);

/* Writes a document as a whole, and drops it; json_dumpf() would stop in the
 * middle where memory ends. `flags` are jansson's. */
void json_write(json_t *document, size_t flags, FILE *to);

/* Prints the document and drops it. Returns an enum tool_exit. */
int json_print(json_t *document);

#endif
