#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# In dracut's exit environment: the image is closed, its volume unmounted.
/sbin/vhd-attach release
