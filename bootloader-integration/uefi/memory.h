/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory: of the firmware, or of the host in tests. */
#ifndef VHDBOOT_MEMORY_H
#define VHDBOOT_MEMORY_H

#include <stddef.h>

/* Zeroed and aligned to 16 bytes, or NULL. */
void *memory_get(size_t bytes);
/* NULL is fine. */
void memory_put(void *memory);

#endif
