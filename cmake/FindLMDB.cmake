# LMDB, as lmdb::lmdb.
include(${CMAKE_CURRENT_LIST_DIR}/SkaldPkgConfig.cmake)
skald_find_by_pkg_config(LMDB lmdb::lmdb lmdb lmdb.h lmdb)
