/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ordering rules that a test can switch off, one at a time, to prove that the
 * power-cut test would notice (tests/powercut). The library is built with none
 * switched off, and the compiler drops every trace of them.
 */
#ifndef VHD_IMAGE_BREAK_H
#define VHD_IMAGE_BREAK_H

#ifndef VHD_BREAK_RULE
#	define VHD_BREAK_RULE 0
#endif

enum vhd_rule {
	/* VHDX */
	VHD_RULE_DATA_BEFORE_ENTRY = 1,
	VHD_RULE_ENTRY_BEFORE_HOMES = 2,
	VHD_RULE_ENTRY_FIRST = 3,       /* homes are not written before it */
	VHD_RULE_HOMES_BEFORE_TAIL = 4, /* the tail passes durable homes only */
	VHD_RULE_LOG_BEFORE_HEADER = 5, /* the first entry, then its GUID */
	VHD_RULE_HOMES_BEFORE_CLEAN = 6, /* closing */
	VHD_RULE_REPLAY_BEFORE_CLEAN = 7,
	VHD_RULE_ONE_HEADER_AT_A_TIME = 8,
	VHD_RULE_DURABLE_SIZE_IN_ENTRY = 9,
	VHD_RULE_PARENT_IS_ORDERED = 10, /* a parent shows through lost data */
	VHD_RULE_CUT_STALE_TAIL = 11,
	VHD_RULE_BOTH_HEADERS = 18, /* either may be lost later */
	/* both */
	VHD_RULE_RELEASED_WAITS = 12,      /* for the entry that released it */
	VHD_RULE_RECYCLED_IS_ORDERED = 13, /* it is not fresh */
	/* VHD */
	VHD_RULE_DATA_BEFORE_TABLE = 14,
	VHD_RULE_DATA_BEFORE_BITMAP = 15,
	VHD_RULE_RESERVE_IS_DURABLE = 17,
	VHD_RULE_FOOTER_BEFORE_TRIM =
		19, /* the new one, then the file is cut */
};

/* true where the rule is to be broken */
#define VHD_BROKEN(rule) (VHD_BREAK_RULE == (rule))

#endif
