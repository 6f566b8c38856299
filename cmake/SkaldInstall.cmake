# What `cmake --install` puts down: public headers, one library a room, a CMake package, a .pc file.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/skald)
get_property(rooms GLOBAL PROPERTY SKALD_INSTALLED_ROOMS)

# For skaldConfig.cmake: the rooms, what each uses and finds. For skald.pc: the same, flattened, a
# library before those it needs.
set(SKALD_ROOM_TABLE "")
set(SKALD_PC_LIBS "")
set(SKALD_PC_LAST_LIBS "")
set(SKALD_PC_REQUIRES "")
foreach(room IN LISTS rooms)
    get_property(uses GLOBAL PROPERTY SKALD_USES_${room})
    get_property(links GLOBAL PROPERTY SKALD_LINKS_${room})
    set(packages "")
    foreach(link IN LISTS links)
        get_property(package GLOBAL PROPERTY SKALD_PACKAGE_${link})
        get_property(module GLOBAL PROPERTY SKALD_PKG_CONFIG_${link})
        string(APPEND packages " \"${package}\"")
        list(APPEND SKALD_PC_REQUIRES ${module})
        get_property(library GLOBAL PROPERTY SKALD_LIBRARY_${link})
        list(APPEND SKALD_PC_LAST_LIBS ${library})
    endforeach()
    string(JOIN " " uses ${uses})
    string(APPEND SKALD_ROOM_TABLE "set(_skald_uses_${room} ${uses})\n"
                                   "set(_skald_packages_${room}${packages})\n")
    get_target_property(type skald_${room} TYPE)
    if(NOT type STREQUAL "INTERFACE_LIBRARY")
        list(PREPEND SKALD_PC_LIBS -lskald_${room})
    endif()
    install(TARGETS skald_${room} EXPORT skaldTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endforeach()
list(REMOVE_DUPLICATES SKALD_PC_REQUIRES)
list(TRANSFORM SKALD_PC_LAST_LIBS PREPEND -l)
string(JOIN " " SKALD_PC_LIBS ${SKALD_PC_LIBS} ${SKALD_PC_LAST_LIBS})
string(JOIN " " SKALD_PC_REQUIRES ${SKALD_PC_REQUIRES})
string(JOIN " " SKALD_ROOM_LIST ${rooms})

configure_package_config_file(cmake/skaldConfig.cmake.in ${PROJECT_BINARY_DIR}/skaldConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/skaldConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
# From the .pc file to the prefix, so that the installed tree may be moved.
file(RELATIVE_PATH SKALD_PC_TO_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
     ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/skald.pc.in ${PROJECT_BINARY_DIR}/skald.pc @ONLY)

install(DIRECTORY include/skald DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING
        PATTERN "*.h")
install(EXPORT skaldTargets NAMESPACE skald:: DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/skaldConfig.cmake ${PROJECT_BINARY_DIR}/skaldConfigVersion.cmake
              cmake/SkaldPkgConfig.cmake cmake/FindLMDB.cmake cmake/FindxxHash.cmake
              cmake/FindSodium.cmake
        DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/skald.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
