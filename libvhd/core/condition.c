/* SPDX-License-Identifier: BSD-2-Clause */
#include "condition.h"

/* enum vhd_repairable is not for the core */
enum { NO = 0, LOSSLESS = 1, SALVAGE = 2 };

/* clang-format off */
static const struct vhd_condition_row rows[] = {
	{VHD_COND_FOOTER_LOST, "footer-lost", "VHD footer",
	 "the footer at the end of the file is lost; the copy at offset 0 is "
	 "used", true, LOSSLESS},
	{VHD_COND_FOOTER_COPY_BAD, "footer-copy-bad", "VHD footer copy",
	 "the footer copy at offset 0 is damaged", true, LOSSLESS},
	{VHD_COND_FOOTERS_DIFFER, "footers-differ", "VHD footer copy",
	 "the footer copy at offset 0 differs from the footer; the footer "
	 "counts", true, LOSSLESS},
	{VHD_COND_FOOTER_511, "footer-511", "VHD footer",
	 "the footer is 511 bytes long, as programs before Virtual PC 2004 "
	 "wrote it", false, LOSSLESS},
	{VHD_COND_SAVED_STATE, "saved-state", "VHD footer",
	 "a suspended virtual machine relies on this image", false, NO},
	{VHD_COND_TAPDISK_OPEN, "tapdisk-open", "VHD footer",
	 "tapdisk has the image open, or did not close it", true, LOSSLESS},
	{VHD_COND_ODD_SIZE, "odd-size", "VHD footer",
	 "the disk size is no whole number of sectors; the rest is not shown",
	 true, SALVAGE},
	{VHD_COND_CHS_SIZE, "chs-size", "VHD footer",
	 "guests of this creator saw the smaller size of the geometry", false,
	 NO},
	{VHD_COND_HEADER_BAD, "header-bad", "VHDX header",
	 "one of the two headers is damaged; the other one is used", true,
	 LOSSLESS},
	{VHD_COND_REGION_BAD, "region-table-bad", "VHDX region table",
	 "the first region table is damaged; the second one is used", true,
	 LOSSLESS},
	{VHD_COND_LOG_DIRTY, "log-dirty", "VHDX log",
	 "the log holds updates; they were applied in memory", false, LOSSLESS},
	{VHD_COND_LOG_INVALID, "log-invalid", "VHDX log",
	 "the header names a log, but it holds no valid entry; the file is "
	 "read as it is", true, LOSSLESS},
	{VHD_COND_ITEM_FLAGS, "item-flags", "VHDX metadata table",
	 "a metadata item has unusual flags", false, LOSSLESS},
	{VHD_COND_FEATURES, "unknown-features", "VHD footer",
	 "unknown feature bits are set", false, NO},
	{VHD_COND_TEMPORARY, "temporary", "VHD footer",
	 "the image is marked as a temporary disk", false, NO},
	{VHD_COND_HIDDEN, "hidden", "VHD footer",
	 "XenServer marked the image as hidden", false, NO},
	{VHD_COND_ENCRYPTED, "encrypted", "VHD batmap",
	 "the image holds a XenServer encryption key hash; data may be "
	 "encrypted", false, NO},
};
/* clang-format on */

const struct vhd_condition_row *vhd_condition_rows(size_t *count)
{
	*count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const char *vhd_condition_text(uint32_t bit, const char **code,
			       const char **structure)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].bit != bit)
			continue;
		if (code)
			*code = rows[i].code;
		if (structure)
			*structure = rows[i].structure;
		return rows[i].text;
	}
	return NULL;
}
