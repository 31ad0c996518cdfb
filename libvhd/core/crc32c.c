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

/* column i of a map: what bit i of the register becomes */
struct linear_map {
	uint32_t column[32];
};

/* without branches: the bits of a register follow no pattern */
static uint32_t apply(const struct linear_map *map, uint32_t reg)
{
	uint32_t sum = 0;

	for (int i = 0; i < 32; i++)
		sum ^= map->column[i] & -(reg >> i & 1);
	return sum;
}

#if defined(__STDC_HOSTED__) && __STDC_HOSTED__ && defined(__x86_64__)
#	include <cpuid.h>
#	include <stdatomic.h>

#	define HARDWARE         __attribute__((target("sse4.2")))
#	define CRC_BYTE(reg, b) __builtin_ia32_crc32qi((uint32_t)(reg), b)
#	define CRC_WORD(reg, w) __builtin_ia32_crc32di(reg, w)

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

#	define HWCAP_CRC32_BIT  (1UL << 7)
#	define HARDWARE         __attribute__((target("+crc")))
#	define CRC_BYTE(reg, b) __crc32cb((uint32_t)(reg), b)
#	define CRC_WORD(reg, w) __crc32cd((uint32_t)(reg), w)

static int have_hardware(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_CRC32_BIT) != 0;
}
#endif

#ifdef HARDWARE
/*
 * The instruction takes three cycles and can be started in each, so three
 * pieces of a buffer are summed at the same time. The sum of a piece is moved
 * over the one behind it by the map that appends as many zeros; these maps are
 * for two fixed lengths, of which three nearly fill a page, or 64 KiB.
 */
#	define PIECE_SHORT ((size_t)1360)
#	define PIECE_LONG  ((size_t)21840)

static const struct linear_map skip_short = {{
	0x79113270, 0xf22264e0, 0xe1a8bf31, 0xc6bd0893, 0x889667d7, 0x14c0b95f,
	0x298172be, 0x5302e57c, 0xa605caf8, 0x49e7e301, 0x93cfc602, 0x2273faf5,
	0x44e7f5ea, 0x89cfebd4, 0x1673a159, 0x2ce742b2, 0x59ce8564, 0xb39d0ac8,
	0x62d66361, 0xc5acc6c2, 0x8eb5fb75, 0x1887801b, 0x310f0036, 0x621e006c,
	0xc43c00d8, 0x8d947741, 0x1ec49873, 0x3d8930e6, 0x7b1261cc, 0xf624c398,
	0xe9a5f1c1, 0xd6a79573,
}};
static const struct linear_map skip_long = {{
	0xb3ff0d4c, 0x62126c69, 0xc424d8d2, 0x8da5c755, 0x1ea7f85b, 0x3d4ff0b6,
	0x7a9fe16c, 0xf53fc2d8, 0xef93f341, 0xdacb9073, 0xb07b5617, 0x651adadf,
	0xca35b5be, 0x91871d8d, 0x26e24deb, 0x4dc49bd6, 0x9b8937ac, 0x32fe19a9,
	0x65fc3352, 0xcbf866a4, 0x921cbbb9, 0x21d50183, 0x43aa0306, 0x8754060c,
	0x0b447ae9, 0x1688f5d2, 0x2d11eba4, 0x5a23d748, 0xb447ae90, 0x6d632bd1,
	0xdac657a2, 0xb060d9b5,
}};

HARDWARE static inline uint64_t run_word(uint64_t reg, const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, 8);
	return CRC_WORD(reg, word);
}

/* three pieces of `len` bytes, a multiple of 8 */
HARDWARE static uint32_t run_three(uint32_t reg, const uint8_t *p, size_t len,
				   const struct linear_map *skip)
{
	uint64_t first = reg, second = 0, third = 0;

	for (const uint8_t *end = p + len; p < end; p += 8) {
		first = run_word(first, p);
		second = run_word(second, p + len);
		third = run_word(third, p + 2 * len);
	}
	reg = apply(skip, (uint32_t)first) ^ (uint32_t)second;
	return apply(skip, reg) ^ (uint32_t)third;
}

HARDWARE static uint32_t run_hardware(uint32_t reg, const uint8_t *p,
				      size_t len)
{
	uint64_t r;

	for (; len >= 3 * PIECE_LONG;
	     p += 3 * PIECE_LONG, len -= 3 * PIECE_LONG)
		reg = run_three(reg, p, PIECE_LONG, &skip_long);
	for (; len >= 3 * PIECE_SHORT;
	     p += 3 * PIECE_SHORT, len -= 3 * PIECE_SHORT)
		reg = run_three(reg, p, PIECE_SHORT, &skip_short);
	for (r = reg; len >= 8; p += 8, len -= 8)
		r = run_word(r, p);
	for (reg = (uint32_t)r; len; len--)
		reg = CRC_BYTE(reg, *p++);
	return reg;
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
