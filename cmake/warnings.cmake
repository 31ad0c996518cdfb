# SPDX-License-Identifier: BSD-2-Clause
# One list of warnings for gcc and clang; vhd_warnings(target) applies it.
add_library(vhd_warnings INTERFACE)
target_compile_options(vhd_warnings INTERFACE
	-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings
	-Wformat=2 -Wundef -Wvla -Wold-style-definition
	$<$<BOOL:${VHD_WERROR}>:-Werror>)
