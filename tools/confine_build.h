/* SPDX-License-Identifier: BSD-2-Clause */
/* How this build differs: the reports of sanitizers and of coverage, written at
 * the end of a program, need what confine.h forbids. */
#ifndef TOOLS_CONFINE_BUILD_H
#define TOOLS_CONFINE_BUILD_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||           \
	defined(VHD_COVERAGE)
#	define CONFINE_REPORTS 1
#elif defined(__has_feature)
#	if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#		define CONFINE_REPORTS 1
#	endif
#endif
#ifndef CONFINE_REPORTS
#	define CONFINE_REPORTS 0
#endif

#endif
