#include "store/lmdb/errors.h"

#include <fmt/format.h>
#include <lmdb.h>
#include <sys/statvfs.h>

#include <cerrno>

namespace skald::store::lmdb {
namespace {

// What a file system keeps back for itself when it gives nothing more.
constexpr std::uint64_t kBytesFreeOfFull = 1 << 20;

// LMDB speaks of itself: this is for who has a log or a read model.
const char* text_of(int rc) {
    switch (rc) {
        case MDB_MAP_FULL:
            return "data.mdb has reached the largest size that it may have";
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_PANIC:
            return "data.mdb is damaged: `skald verify` tells where; restore a backup";
        case MDB_INVALID:
            return "data.mdb is no log";
        case MDB_VERSION_MISMATCH:
        case MDB_INCOMPATIBLE:
            return "data.mdb was written by another version";
        default:
            return mdb_strerror(rc);
    }
}

}  // namespace

Errc code_of(int rc) {
    switch (rc) {
        case MDB_MAP_FULL:
            return Errc::map_full;
        case ENOSPC:
        case EDQUOT:
            return Errc::disk_full;
        case EROFS:
        case EACCES:
        case EPERM:
            return Errc::read_only;
        case ENOENT:
            return Errc::not_found;
        case MDB_READERS_FULL:
            return Errc::busy;
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_PANIC:
            return Errc::corrupt;
        case MDB_INVALID:
        case MDB_VERSION_MISMATCH:
        case MDB_INCOMPATIBLE:
            return Errc::unknown_format;
        default:
            return Errc::io_error;
    }
}

Error error_of(int rc, std::string_view what) {
    return {code_of(rc), fmt::format("{}: {}", what, text_of(rc))};
}

Error write_error_of(int rc, std::string_view what, const std::string& directory) {
    struct statvfs disk {};
    const bool known = statvfs(directory.c_str(), &disk) == 0;
    return write_error_of(
        rc, what, directory,
        known ? std::uint64_t{disk.f_bavail} * disk.f_frsize : std::uint64_t{kBytesFreeOfFull} + 1);
}

Error write_error_of(int rc, std::string_view what, const std::string& directory,
                     std::uint64_t bytes_free) {
    const bool full = rc == EIO && bytes_free <= kBytesFreeOfFull;
    if (!full && code_of(rc) != Errc::disk_full) {
        return error_of(rc, what);
    }
    return {Errc::disk_full,
            fmt::format("{}: the disk of {} is full; make room there and start again", what,
                        directory)};
}

}  // namespace skald::store::lmdb
