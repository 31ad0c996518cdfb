/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CRC is linear over GF(2): the table entry of a byte is the sum (XOR) of
 * the entries of its single bits. So the eight tables of "slicing by 8" are
 * given by 64 constants and the preprocessor adds them up: constant b of
 * KEYSk is the register that bit b of a byte becomes after that byte and k
 * zero bytes. The tables are constant data; there is no start-up code.
 *
 * Skipping zeros uses the same linearity: appending zero bytes is a linear map
 * of the 32-bit register, and twice as many zeros are that map applied twice.
 */
#include "crc32c.h"

#include "bytes.h"
#include "mem.h"

/* clang-format off */
#define SUM(n, k0, k1, k2, k3, k4, k5, k6, k7)                              \
	((((n) & 1) ? (k0) : 0) ^ (((n) & 2) ? (k1) : 0) ^                  \
	 (((n) & 4) ? (k2) : 0) ^ (((n) & 8) ? (k3) : 0) ^                  \
	 (((n) & 16) ? (k4) : 0) ^ (((n) & 32) ? (k5) : 0) ^                \
	 (((n) & 64) ? (k6) : 0) ^ (((n) & 128) ? (k7) : 0))

#define KEYS0(n) SUM(n, 0xf26b8303u, 0xe13b70f7u, 0xc79a971fu, 0x8ad958cfu, \
	0x105ec76fu, 0x20bd8edeu, 0x417b1dbcu, 0x82f63b78u)
#define KEYS1(n) SUM(n, 0x13a29877u, 0x274530eeu, 0x4e8a61dcu, 0x9d14c3b8u, \
	0x3fc5f181u, 0x7f8be302u, 0xff17c604u, 0xfbc3faf9u)
#define KEYS2(n) SUM(n, 0xa541927eu, 0x4f6f520du, 0x9edea41au, 0x38513ec5u, \
	0x70a27d8au, 0xe144fb14u, 0xc76580d9u, 0x8b277743u)
#define KEYS3(n) SUM(n, 0xdd45aab8u, 0xbf672381u, 0x7b2231f3u, 0xf64463e6u, \
	0xe964b13du, 0xd725148bu, 0xaba65fe7u, 0x52a0c93fu)
#define KEYS4(n) SUM(n, 0x38116facu, 0x7022df58u, 0xe045beb0u, 0xc5670b91u, \
	0x8f2261d3u, 0x1ba8b557u, 0x37516aaeu, 0x6ea2d55cu)
#define KEYS5(n) SUM(n, 0xef306b19u, 0xdb8ca0c3u, 0xb2f53777u, 0x6006181fu, \
	0xc00c303eu, 0x85f4168du, 0x0e045bebu, 0x1c08b7d6u)
#define KEYS6(n) SUM(n, 0x68032cc8u, 0xd0065990u, 0xa5e0c5d1u, 0x4e2dfd53u, \
	0x9c5bfaa6u, 0x3d5b83bdu, 0x7ab7077au, 0xf56e0ef4u)
#define KEYS7(n) SUM(n, 0x493c7d27u, 0x9278fa4eu, 0x211d826du, 0x423b04dau, \
	0x847609b4u, 0x0d006599u, 0x1a00cb32u, 0x34019664u)

#define ROW4(K, n)   K(n), K((n) + 1), K((n) + 2), K((n) + 3)
#define ROW16(K, n)  ROW4(K, n), ROW4(K, (n) + 4), ROW4(K, (n) + 8), \
		     ROW4(K, (n) + 12)
#define ROW64(K, n)  ROW16(K, n), ROW16(K, (n) + 16), ROW16(K, (n) + 32), \
		     ROW16(K, (n) + 48)
#define TABLE(K)     { ROW64(K, 0), ROW64(K, 64), ROW64(K, 128), \
		       ROW64(K, 192) }

static const uint32_t table[8][256] = {
	TABLE(KEYS0), TABLE(KEYS1), TABLE(KEYS2), TABLE(KEYS3),
	TABLE(KEYS4), TABLE(KEYS5), TABLE(KEYS6), TABLE(KEYS7),
};
/* clang-format on */

/* All run_* functions work on the uninverted register. */

static uint32_t run_bytes(uint32_t reg, const uint8_t *p, size_t len)
{
	while (len--)
		reg = (reg >> 8) ^ table[0][(reg ^ *p++) & 0xff];
	return reg;
}

static uint32_t run_portable(uint32_t reg, const uint8_t *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8) {
		le32 lo, hi;
		uint32_t a, b;

		memcpy(&lo, p, 4);
		memcpy(&hi, p + 4, 4);
		a = le32_get(lo) ^ reg;
		b = le32_get(hi);
		reg = table[7][a & 0xff] ^ table[6][a >> 8 & 0xff] ^
		      table[5][a >> 16 & 0xff] ^ table[4][a >> 24] ^
		      table[3][b & 0xff] ^ table[2][b >> 8 & 0xff] ^
		      table[1][b >> 16 & 0xff] ^ table[0][b >> 24];
	}
	return run_bytes(reg, p, len);
}

uint32_t vhd_crc32c_portable(uint32_t crc, const void *buf, size_t len)
{
	return ~run_portable(~crc, buf, len);
}

#if defined(__STDC_HOSTED__) && __STDC_HOSTED__ && defined(__x86_64__)
#	include <cpuid.h>
#	include <stdatomic.h>

__attribute__((target("sse4.2"))) static uint32_t
run_hardware(uint32_t reg, const uint8_t *p, size_t len)
{
	uint64_t r = reg, word;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		r = __builtin_ia32_crc32di(r, word);
	}
	reg = (uint32_t)r;
	while (len--)
		reg = __builtin_ia32_crc32qi(reg, *p++);
	return reg;
}

/*
 * 0 not asked yet, 1 no, 2 yes. A cache of what the processor answers, not
 * state: threads that race store the same value. Asking each time would cost
 * a trap in a virtual machine.
 */
static int have_hardware(void)
{
	static _Atomic int cached;
	int have = atomic_load_explicit(&cached, memory_order_relaxed);
	unsigned a, b, c = 0, d;

	if (!have) {
		have = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) ? 2
									  : 1;
		atomic_store_explicit(&cached, have, memory_order_relaxed);
	}
	return have == 2;
}
#elif defined(__STDC_HOSTED__) && __STDC_HOSTED__ && defined(__aarch64__)
#	include <arm_acle.h>
#	include <sys/auxv.h>

#	define HWCAP_CRC32_BIT (1UL << 7)

__attribute__((target("+crc"))) static uint32_t
run_hardware(uint32_t reg, const uint8_t *p, size_t len)
{
	uint64_t word;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		reg = __crc32cd(reg, word);
	}
	while (len--)
		reg = __crc32cb(reg, *p++);
	return reg;
}

static int have_hardware(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_CRC32_BIT) != 0;
}
#else
static uint32_t run_hardware(uint32_t reg, const uint8_t *p, size_t len)
{
	return run_portable(reg, p, len);
}

static int have_hardware(void)
{
	return 0;
}
#endif

uint32_t vhd_crc32c(uint32_t crc, const void *buf, size_t len)
{
	if (have_hardware())
		return ~run_hardware(~crc, buf, len);
	return vhd_crc32c_portable(crc, buf, len);
}

/* column i of a map: what bit i of the register becomes */
struct linear_map {
	uint32_t column[32];
};

static uint32_t apply(const struct linear_map *map, uint32_t reg)
{
	uint32_t sum = 0;

	for (int i = 0; reg; i++, reg >>= 1)
		if (reg & 1)
			sum ^= map->column[i];
	return sum;
}

uint32_t vhd_crc32c_zeros(uint32_t crc, size_t len)
{
	struct linear_map map, twice;
	uint32_t reg = ~crc;

	for (int i = 0; i < 32; i++) /* one zero byte */
		map.column[i] =
			run_bytes((uint32_t)1 << i, (const uint8_t *)"", 1);
	for (; len; len >>= 1) {
		if (len & 1)
			reg = apply(&map, reg);
		for (int i = 0; i < 32; i++)
			twice.column[i] = apply(&map, map.column[i]);
		map = twice;
	}
	return ~reg;
}
