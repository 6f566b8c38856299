#include "store/lmdb/errors.h"

#include <fmt/format.h>
#include <lmdb.h>

#include <cerrno>

namespace skald::store::lmdb {

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
    return {code_of(rc), fmt::format("{}: {}", what, mdb_strerror(rc))};
}

}  // namespace skald::store::lmdb
