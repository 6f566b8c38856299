# xxHash, as xxhash::xxhash.
include(${CMAKE_CURRENT_LIST_DIR}/SkaldPkgConfig.cmake)
skald_find_by_pkg_config(xxHash xxhash::xxhash libxxhash xxhash.h xxhash)
