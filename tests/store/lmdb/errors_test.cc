#include "store/lmdb/errors.h"

#include <catch2/catch.hpp>
#include <cerrno>

namespace skald::store::lmdb {

TEST_CASE("errors: a write that was cut short on a full disk is disk_full") {
    const Error full = write_error_of(EIO, "cannot commit", "/d", 4096);
    CHECK(full.code == Errc::disk_full);
    CHECK(full.message == "cannot commit: the disk of /d is full; make room there and start again");
    CHECK(write_error_of(ENOSPC, "cannot commit", "/d", 1ULL << 40) == full);
    CHECK(write_error_of(EIO, "cannot commit", "/d", 1ULL << 30).code == Errc::io_error);
    CHECK(write_error_of(EROFS, "cannot commit", "/d", 0).code == Errc::read_only);
}

}  // namespace skald::store::lmdb
