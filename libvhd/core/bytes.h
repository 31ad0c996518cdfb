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

#endif
