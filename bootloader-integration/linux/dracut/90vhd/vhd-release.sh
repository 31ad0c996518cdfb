#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# In dracut's exit environment: the image is closed, its volume unmounted. What
# fails would be tried 40 times, and vhd-attach has waited already.
if /sbin/vhd-attach release; then
	warn "vhd-attach: all images are closed"
else
	warn "vhd-attach: not all could be closed"
fi
:
