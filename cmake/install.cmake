# SPDX-License-Identifier: BSD-2-Clause
# Installation: library, headers, pkg-config, CMake package, tool; and the
# reverse, `cmake --build build/release --target uninstall`.
include(CMakePackageConfigHelpers)

install(TARGETS vhd EXPORT libvhd-shared
	RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
	LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS vhd_static EXPORT libvhd-static
	ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/libvhd.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/libvhd DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# What a program needs that is linked with the static library.
set(pc_requires_private "")
set(pc_libs_private " -pthread")
set(package_finds "find_package(Threads QUIET)\n")
set(package_targets Threads::Threads)
if(VHD_WITH_OPENSSL AND CMAKE_DL_LIBS) # libcrypto is loaded, not linked
	string(APPEND pc_libs_private " -l${CMAKE_DL_LIBS}")
endif()
if(VHD_WITH_ZLIB)
	string(APPEND pc_requires_private " zlib")
	string(APPEND package_finds "find_package(ZLIB QUIET)\n")
	list(APPEND package_targets ZLIB::ZLIB)
endif()
if(VHD_WITH_URING)
	string(APPEND pc_requires_private " liburing")
	string(APPEND package_finds "find_package(PkgConfig QUIET)\n"
		"if(PKG_CONFIG_FOUND)\n"
		"\tpkg_check_modules(URING QUIET IMPORTED_TARGET liburing)\n"
		"endif()\n")
	list(APPEND package_targets PkgConfig::URING)
endif()
string(REPLACE ";" " " package_targets "${package_targets}")

# The prefix follows the file, wherever it was installed to. That of the system
# is said as it is, so that pkg-config knows it and leaves it out.
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(pc_prefix ${CMAKE_INSTALL_PREFIX})
if(NOT pc_prefix STREQUAL "/usr" AND NOT IS_ABSOLUTE ${pc_dir})
	file(RELATIVE_PATH pc_prefix /${pc_dir} /)
	string(REGEX REPLACE "/$" "" pc_prefix "\${pcfiledir}/${pc_prefix}")
endif()
configure_file(cmake/libvhd.pc.in libvhd.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/libvhd.pc DESTINATION ${pc_dir})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/libvhd)
configure_package_config_file(cmake/libvhd-config.cmake.in
	libvhd-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(libvhd-config-version.cmake
	COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/libvhd-config.cmake
	      ${PROJECT_BINARY_DIR}/libvhd-config-version.cmake
	DESTINATION ${package_dir})
install(EXPORT libvhd-shared NAMESPACE libvhd:: DESTINATION ${package_dir})
install(EXPORT libvhd-static NAMESPACE libvhd:: DESTINATION ${package_dir})

configure_file(cmake/uninstall.cmake.in uninstall.cmake @ONLY)
add_custom_target(uninstall
	COMMAND ${CMAKE_COMMAND} -P ${PROJECT_BINARY_DIR}/uninstall.cmake)
