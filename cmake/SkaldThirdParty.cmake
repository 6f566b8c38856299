# The libraries of others. Each line says how a user of the installed package finds the
# target again:
#
#   skald_third_party(<target> PACKAGE <find_package arguments> [PKG_CONFIG <module>]
#                     [LIBRARY <name>] [HEADER_ONLY])
#
# LIBRARY: what skald.pc links before that module, for one that has no .pc file of its own.
# HEADER_ONLY: needed to compile our sources and nowhere else, so the installed package forgets it.
# Imported targets are SYSTEM includes: their warnings are not ours.

function(skald_third_party target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "HEADER_ONLY" "PKG_CONFIG;LIBRARY" "PACKAGE")
    find_package(${arg_PACKAGE} REQUIRED GLOBAL)
    if(NOT TARGET ${target})
        message(FATAL_ERROR "${arg_PACKAGE} was found but gives no target ${target}")
    endif()
    string(REPLACE ";" " " package "${arg_PACKAGE}")
    set_property(GLOBAL PROPERTY SKALD_PACKAGE_${target} "${package}")
    set_property(GLOBAL PROPERTY SKALD_PKG_CONFIG_${target} "${arg_PKG_CONFIG}")
    set_property(GLOBAL PROPERTY SKALD_LIBRARY_${target} "${arg_LIBRARY}")
    set_property(GLOBAL PROPERTY SKALD_HEADER_ONLY_${target} ${arg_HEADER_ONLY})
endfunction()

set(THREADS_PREFER_PTHREAD_FLAG ON)
skald_third_party(Threads::Threads PACKAGE Threads)
skald_third_party(fmt::fmt PACKAGE fmt PKG_CONFIG fmt)
skald_third_party(lmdb::lmdb PACKAGE LMDB PKG_CONFIG lmdb)
skald_third_party(SQLiteCpp PACKAGE SQLiteCpp PKG_CONFIG sqlite3 LIBRARY SQLiteCpp)
skald_third_party(xxhash::xxhash PACKAGE xxHash PKG_CONFIG libxxhash)
skald_third_party(cppzmq PACKAGE cppzmq PKG_CONFIG libzmq)
skald_third_party(prometheus-cpp::core PACKAGE prometheus-cpp PKG_CONFIG prometheus-cpp-core)
skald_third_party(ZLIB::ZLIB PACKAGE ZLIB PKG_CONFIG zlib)
skald_third_party(sodium::sodium PACKAGE Sodium PKG_CONFIG libsodium)
skald_third_party(CURL::libcurl PACKAGE CURL PKG_CONFIG libcurl)
skald_third_party(flatbuffers::flatbuffers PACKAGE FlatBuffers HEADER_ONLY)
skald_third_party(Boost::headers PACKAGE Boost 1.81 COMPONENTS headers HEADER_ONLY)
skald_third_party(CLI11::CLI11 PACKAGE CLI11 HEADER_ONLY)
skald_third_party(nlohmann_json::nlohmann_json PACKAGE nlohmann_json HEADER_ONLY)
skald_third_party(tomlplusplus::tomlplusplus PACKAGE tomlplusplus PKG_CONFIG tomlplusplus)
