/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zero detection. Data that is not zero mostly shows it in its first bytes, so
 * the first word is looked at before any loop starts.
 */
#include "zero.h"

#include <stdint.h>
#include <string.h>

static uint64_t word_at(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static bool zero_portable(const uint8_t *p, size_t len)
{
	for (; len >= 64; p += 64, len -= 64) {
		uint64_t any = 0;

		for (size_t i = 0; i < 64; i += 8)
			any |= word_at(p + i);
		if (any)
			return false;
	}
	while (len--)
		if (*p++)
			return false;
	return true;
}

#if defined(__x86_64__)
#	include <immintrin.h>

__attribute__((target("avx2"))) static bool zero_avx2(const uint8_t *p,
						      size_t len)
{
	for (; len >= 128; p += 128, len -= 128) {
		__m256i a = _mm256_loadu_si256((const void *)p);
		__m256i b = _mm256_loadu_si256((const void *)(p + 32));
		__m256i c = _mm256_loadu_si256((const void *)(p + 64));
		__m256i d = _mm256_loadu_si256((const void *)(p + 96));
		__m256i any = _mm256_or_si256(_mm256_or_si256(a, b),
					      _mm256_or_si256(c, d));

		if (!_mm256_testz_si256(any, any))
			return false;
	}
	return zero_portable(p, len);
}

static bool zero_best(const uint8_t *p, size_t len)
{
	if (__builtin_cpu_supports("avx2"))
		return zero_avx2(p, len);
	return zero_portable(p, len);
}
#else
static bool zero_best(const uint8_t *p, size_t len)
{
	return zero_portable(p, len);
}
#endif

bool vhd_is_zero(const void *buf, size_t len)
{
	if (len >= 8 && word_at(buf))
		return false;
	return zero_best(buf, len);
}
