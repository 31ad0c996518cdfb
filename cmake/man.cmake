# SPDX-License-Identifier: BSD-2-Clause
# Man pages, where scdoc is: docs/man/NAME.SECTION.scd becomes man/NAME.SECTION.
find_program(VHD_SCDOC scdoc)
file(GLOB man_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.scd)
set(man_pages "")

if(VHD_SCDOC)
	file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/man)
	foreach(source ${man_sources})
		get_filename_component(page ${source} NAME_WLE)
		set(made ${PROJECT_BINARY_DIR}/man/${page})
		# through a second name: a page is there complete or not at all
		add_custom_command(OUTPUT ${made}
			COMMAND sh -c "${VHD_SCDOC} <${source} >${made}.new"
			COMMAND ${CMAKE_COMMAND} -E rename ${made}.new ${made}
			DEPENDS ${source} VERBATIM)
		list(APPEND man_pages ${made})
	endforeach()
	install(FILES ${man_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
add_custom_target(man ALL DEPENDS ${man_pages})
