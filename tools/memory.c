/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

#include <stdlib.h>

#include "command.h"
#include "diag.h"

void *tool_must(void *memory)
{
	if (memory)
		return memory;
	diag_error(NULL, "out of memory");
	exit(TOOL_FAILED);
}

void *tool_resize(void *memory, size_t size)
{
	return tool_must(realloc(memory, size ? size : 1));
}

void *tool_buffer(size_t size)
{
	const size_t page = 4096;

	return tool_must(aligned_alloc(page, (size + page - 1) / page * page));
}

void *tool_zalloc(size_t size)
{
	return tool_must(calloc(1, size ? size : 1));
}
