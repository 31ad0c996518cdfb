# SPDX-License-Identifier: BSD-2-Clause
# Installation: library, headers, pkg-config, CMake package, tool; and the
# reverse, `cmake --build build/release --target uninstall`.
include(CMakePackageConfigHelpers)

install(TARGETS vhd vhd_static EXPORT libvhd-targets
	RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
	LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
	ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/libvhd.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/libvhd DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(pkg_requires_private "")
set(package_finds "find_dependency(Threads)\n")
if(VHD_WITH_ZLIB)
	string(APPEND pkg_requires_private " zlib")
	string(APPEND package_finds "find_dependency(ZLIB)\n")
endif()
if(VHD_WITH_URING)
	string(APPEND pkg_requires_private " liburing")
	string(APPEND package_finds "find_dependency(PkgConfig)\n"
		"pkg_check_modules(URING REQUIRED IMPORTED_TARGET liburing)\n")
endif()
configure_file(cmake/libvhd.pc.in libvhd.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/libvhd.pc
	DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/libvhd)
configure_package_config_file(cmake/libvhd-config.cmake.in
	libvhd-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(libvhd-config-version.cmake
	COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/libvhd-config.cmake
	      ${PROJECT_BINARY_DIR}/libvhd-config-version.cmake
	DESTINATION ${package_dir})
install(EXPORT libvhd-targets NAMESPACE libvhd:: DESTINATION ${package_dir})

configure_file(cmake/uninstall.cmake.in uninstall.cmake @ONLY)
add_custom_target(uninstall
	COMMAND ${CMAKE_COMMAND} -P ${PROJECT_BINARY_DIR}/uninstall.cmake)
