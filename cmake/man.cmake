# SPDX-License-Identifier: BSD-2-Clause
# Man pages: docs/man/NAME.SECTION.scd becomes man/NAME.SECTION, by scdoc.
if(NOT VHD_MAN)
	return()
endif()
find_program(VHD_SCDOC scdoc)
if(NOT VHD_SCDOC)
	message(FATAL_ERROR "scdoc is missing, which makes the man pages; "
		"-DVHD_MAN=OFF leaves them out")
endif()
file(GLOB man_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.scd)
set(man_pages "")

# `man FUNCTION` shows the page that explains it: each line of these begins with
# *FUNCTION*(), perhaps with more of them behind a comma.
function(install_functions source page)
	file(STRINGS ${source} lines REGEX "^\\*vhd_.*\\(\\)")
	string(REGEX MATCHALL "vhd_[a-z0-9_]+" names "${lines}")
	foreach(name ${names})
		set(made ${PROJECT_BINARY_DIR}/man/functions/${name}.3)
		file(CONFIGURE OUTPUT ${made} CONTENT ".so man3/@page@\n" @ONLY)
		install(FILES ${made} DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
	endforeach()
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
endfunction()

file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/man)
foreach(source ${man_sources})
	get_filename_component(page ${source} NAME_WLE)
	string(REGEX REPLACE ".*\\." "" section ${page})
	set(made ${PROJECT_BINARY_DIR}/man/${page})
	# through a second name: a page is there complete or not at all
	add_custom_command(OUTPUT ${made}
		COMMAND sh -c "${VHD_SCDOC} <${source} >${made}.new"
		COMMAND ${CMAKE_COMMAND} -E rename ${made}.new ${made}
		DEPENDS ${source} VERBATIM)
	list(APPEND man_pages ${made})
	install(FILES ${made} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
	if(section EQUAL 3)
		install_functions(${source} ${page})
	endif()
endforeach()
add_custom_target(man ALL DEPENDS ${man_pages})
