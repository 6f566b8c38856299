# libsodium, as sodium::sodium.
include(${CMAKE_CURRENT_LIST_DIR}/SkaldPkgConfig.cmake)
skald_find_by_pkg_config(Sodium sodium::sodium libsodium sodium.h sodium)
