#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Sourced by dracut, whose queue goes on until this succeeds: it would end at
# once where nothing else is waited for.
[ -e /run/vhd-attached ]
