/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC-32C (Castagnoli), the checksum of every VHDX structure. vhdx.md 2.1 */
#ifndef VHD_CORE_CRC32C_H
#define VHD_CORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * Continues a checksum: vhd_crc32c(0, ...) starts one, and feeding pieces one
 * after the other gives the checksum of the whole. Uses the processor's CRC
 * instruction where there is one (x86 SSE4.2, ARMv8), portable code otherwise
 * and in every freestanding build.
 */
uint32_t vhd_crc32c(uint32_t crc, const void *buf, size_t len);

/* The portable code, for tests and for machines without the instruction. */
uint32_t vhd_crc32c_portable(uint32_t crc, const void *buf, size_t len);

/* Continues over `len` zero bytes without reading any. */
uint32_t vhd_crc32c_zeros(uint32_t crc, size_t len);

#endif
