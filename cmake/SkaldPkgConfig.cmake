# skald_find_by_pkg_config(<package> <target> <module> <header> <library>): the body of a find
# module for a library that ships a .pc file and no CMake package.
macro(skald_find_by_pkg_config package target module header library)
    find_package(PkgConfig QUIET)
    if(PkgConfig_FOUND)
        pkg_check_modules(PC_${package} QUIET ${module})
    endif()
    find_path(${package}_INCLUDE_DIR ${header} HINTS ${PC_${package}_INCLUDE_DIRS})
    find_library(${package}_LIBRARY ${library} HINTS ${PC_${package}_LIBRARY_DIRS})
    mark_as_advanced(${package}_INCLUDE_DIR ${package}_LIBRARY)

    include(FindPackageHandleStandardArgs)
    find_package_handle_standard_args(
        ${package}
        REQUIRED_VARS ${package}_LIBRARY ${package}_INCLUDE_DIR
        VERSION_VAR PC_${package}_VERSION)

    if(${package}_FOUND AND NOT TARGET ${target})
        add_library(${target} UNKNOWN IMPORTED)
        set_target_properties(
            ${target} PROPERTIES IMPORTED_LOCATION "${${package}_LIBRARY}"
                                 INTERFACE_INCLUDE_DIRECTORIES "${${package}_INCLUDE_DIR}")
    endif()
endmacro()
