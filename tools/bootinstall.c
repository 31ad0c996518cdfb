/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootinstall.h"

#include <string.h>

#include "command.h"
#include "diag.h"

int boot_install_check(const struct boot_install *install, enum boot_way way,
		       struct boot_check *check, bool *looked)
{
	const struct boot_reasons *why = &check->reasons[way];
	int rc = TOOL_DONE;

	*looked = false;
	if (install->volume || install->force)
		return TOOL_DONE;
	rc = boot_check(install->image, &install->open, check);
	if (rc)
		return rc;
	for (size_t i = 0; i < why->count; i++)
		rc = diag_error(install->image, "%s", why->items[i]);
	if (rc) {
		diag_hint("--force installs it all the same");
		boot_check_free(check);
		return rc;
	}
	*looked = true;
	return TOOL_DONE;
}

int boot_install_line(const char *what, const char *value, size_t most)
{
	size_t n = strlen(value);

	for (const char *c = value; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return diag_error(value,
					  "%s with control characters "
					  "cannot be written down",
					  what);
	}
	if (n == 0 || n > most || *value == ' ' || value[n - 1] == ' ')
		return diag_error(value,
				  "%s is empty, too long (more than %zu "
				  "bytes), or has a blank at an end",
				  what, most);
	return TOOL_DONE;
}
