/* SPDX-License-Identifier: BSD-2-Clause */
/* VHDXs, each with one fault. */
#ifndef TESTS_FAULTS_DAMAGE_VHDX_H
#define TESTS_FAULTS_DAMAGE_VHDX_H

#include "support/sparse.h"

struct sparse *damage_header_new(void);
struct sparse *damage_header_old(void);
struct sparse *damage_headers_equal(void);
struct sparse *damage_headers_differ(void);
struct sparse *damage_both_headers(void);
struct sparse *damage_headers_clash(void);
struct sparse *damage_regions_1(void);
struct sparse *damage_regions_2(void);
struct sparse *damage_regions_differ(void);
struct sparse *damage_item_flags(void);
struct sparse *damage_unsupported(void);
struct sparse *damage_limit(void);
struct sparse *damage_log_dirty(void);
struct sparse *damage_log_short(void);
struct sparse *damage_log_invalid(void);
struct sparse *damage_vhdx_past_end(void);
struct sparse *damage_vhdx_far_end(void);
struct sparse *damage_vhdx_into_log(void);
struct sparse *damage_vhdx_into_head(void);
struct sparse *damage_vhdx_state_4(void);
struct sparse *damage_vhdx_state_5(void);
struct sparse *damage_vhdx_reserved(void);
struct sparse *damage_vhdx_reserved_empty(void);
struct sparse *damage_vhdx_partial(void);
struct sparse *damage_vhdx_no_bitmap(void);
struct sparse *damage_vhdx_bad_bitmap(void);
struct sparse *damage_vhdx_bitmap_reserved(void);
struct sparse *damage_vhdx_cut(void);
struct sparse *damage_vhdx_overlap(void);
struct sparse *damage_vhdx_overlap_bitmap(void);
struct sparse *damage_vhdx_anchor_far(void);
struct sparse *damage_vhdx_anchor_shared(void);
struct sparse *damage_vhdx_stale_place(void);
struct sparse *damage_vhdx_short(void);
struct sparse *damage_vhdx_too_far(void);
struct sparse *damage_vhdx_leak(void);
struct sparse *damage_vhdx_tail(void);

#endif
