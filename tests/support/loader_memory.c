/* SPDX-License-Identifier: BSD-2-Clause */
/* What bootloader-integration/uefi/memory.h asks for, from the host. */
#include <stdlib.h>

#include "memory.h"

void *memory_get(size_t bytes)
{
	return calloc(1, bytes ? bytes : 1);
}

void memory_put(void *memory)
{
	free(memory);
}
