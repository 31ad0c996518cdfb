/* SPDX-License-Identifier: BSD-2-Clause */
/* VHDs, each with one fault. */
#ifndef TESTS_FAULTS_DAMAGE_VHD1_H
#define TESTS_FAULTS_DAMAGE_VHD1_H

#include "support/sparse.h"

struct sparse *damage_footer_lost(void);
struct sparse *damage_footer_torn(void);
struct sparse *damage_footer_copy(void);
struct sparse *damage_footers_differ(void);
struct sparse *damage_footer_511(void);
struct sparse *damage_fixed_511(void);
struct sparse *damage_saved_state(void);
struct sparse *damage_odd_size(void);
struct sparse *damage_features(void);
struct sparse *damage_temporary(void);
struct sparse *damage_hidden(void);
struct sparse *damage_chs_size(void);
struct sparse *damage_tapdisk(void);
struct sparse *damage_encrypted(void);
struct sparse *damage_batmap(void);
struct sparse *damage_batmap_stale(void);
struct sparse *damage_hides_data(void);
struct sparse *damage_vhd_past_end(void);
struct sparse *damage_vhd_child_past_end(void);
struct sparse *damage_vhd_into_header(void);
struct sparse *damage_vhd_zero_entry(void);
struct sparse *damage_vhd_overlap(void);
struct sparse *damage_vhd_overlaps(void);
struct sparse *damage_vhd_cut(void);
struct sparse *damage_vhd_cut_footer(void);
struct sparse *damage_vhd_short(void);
struct sparse *damage_vhd_leak(void);
struct sparse *damage_vhd_tail(void);
struct sparse *damage_vhd_table_between(void);
struct sparse *damage_vhd_leak_at_table(void);
struct sparse *damage_both_footers(void);
struct sparse *damage_dynamic_header(void);
struct sparse *damage_whole_header(void);
struct sparse *damage_child_header(void);
struct sparse *damage_fixed_cut(void);

#endif
