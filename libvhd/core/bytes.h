/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Integers as they lie on disk. Each is a struct of bytes, so that disk
 * structures have alignment 1 without attributes, their layout is visible, and
 * an unswapped value cannot be used by mistake.
 */
#ifndef VHD_CORE_BYTES_H
#define VHD_CORE_BYTES_H

#include <stdint.h>

typedef struct {
	uint8_t b[2];
} be16;
typedef struct {
	uint8_t b[4];
} be32;
typedef struct {
	uint8_t b[8];
} be64;
typedef struct {
	uint8_t b[2];
} le16;
typedef struct {
	uint8_t b[4];
} le32;
typedef struct {
	uint8_t b[8];
} le64;

static inline uint16_t be16_get(be16 v)
{
	return (uint16_t)((v.b[0] << 8) | v.b[1]);
}

static inline uint32_t be32_get(be32 v)
{
	return ((uint32_t)v.b[0] << 24) | ((uint32_t)v.b[1] << 16) |
	       ((uint32_t)v.b[2] << 8) | v.b[3];
}

static inline uint64_t be64_get(be64 v)
{
	uint64_t x = 0;

	for (int i = 0; i < 8; i++)
		x = (x << 8) | v.b[i];
	return x;
}

static inline uint16_t le16_get(le16 v)
{
	return (uint16_t)((v.b[1] << 8) | v.b[0]);
}

static inline uint32_t le32_get(le32 v)
{
	return ((uint32_t)v.b[3] << 24) | ((uint32_t)v.b[2] << 16) |
	       ((uint32_t)v.b[1] << 8) | v.b[0];
}

static inline uint64_t le64_get(le64 v)
{
	uint64_t x = 0;

	for (int i = 7; i >= 0; i--)
		x = (x << 8) | v.b[i];
	return x;
}

static inline be16 be16_of(uint16_t v)
{
	return (be16){{(uint8_t)(v >> 8), (uint8_t)v}};
}

static inline be32 be32_of(uint32_t v)
{
	return (be32){{(uint8_t)(v >> 24), (uint8_t)(v >> 16),
		       (uint8_t)(v >> 8), (uint8_t)v}};
}

static inline be64 be64_of(uint64_t v)
{
	be64 out;

	for (int i = 7; i >= 0; i--, v >>= 8)
		out.b[i] = (uint8_t)v;
	return out;
}

static inline le16 le16_of(uint16_t v)
{
	return (le16){{(uint8_t)v, (uint8_t)(v >> 8)}};
}

static inline le32 le32_of(uint32_t v)
{
	return (le32){{(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
		       (uint8_t)(v >> 24)}};
}

static inline le64 le64_of(uint64_t v)
{
	le64 out;

	for (int i = 0; i < 8; i++, v >>= 8)
		out.b[i] = (uint8_t)v;
	return out;
}

#endif
