/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-16 text from an image, as UTF-8. The bytes are attacker-controlled. */
#ifndef VHD_CORE_UTF16_H
#define VHD_CORE_UTF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vhd_utf16_order { VHD_UTF16_LE, VHD_UTF16_BE };

/*
 * Converts `bytes` bytes (an odd last byte is dropped) to NUL-terminated
 * UTF-8. Trailing NULs are stripped. Strict: false for an embedded NUL, an
 * unpaired surrogate, or when `size` is too small; `out` is then unspecified.
 * For names that are used to open files.
 */
bool vhd_utf16_strict(const uint8_t *text, size_t bytes,
		      enum vhd_utf16_order order, char *out, size_t size);

/*
 * Lenient form for display: stops at the first NUL, replaces an unpaired
 * surrogate by U+FFFD and control characters by '?', cuts at `size`.
 */
void vhd_utf16_display(const uint8_t *text, size_t bytes,
		       enum vhd_utf16_order order, char *out, size_t size);

/*
 * UTF-8 to UTF-16 without terminator. Returns the bytes written, or 0 if the
 * text is empty, no valid UTF-8, or does not fit `room`.
 */
size_t vhd_utf16_encode(const char *text, enum vhd_utf16_order order,
			uint8_t *out, size_t room);

/* Encodes one code point; returns its length in bytes (1 to 4). */
size_t vhd_utf8_put(uint32_t code_point, char out[4]);

#endif
