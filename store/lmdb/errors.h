// What LMDB and the system answer, as our errors. Only for store/lmdb/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "skald/error.h"

namespace skald::store::lmdb {

Errc code_of(int rc);
// `what` failed with this number.
Error error_of(int rc, std::string_view what);
// The same for what writes to the data file. LMDB says EIO for a write that was cut short: with
// nearly nothing free in `directory` that is disk_full.
Error write_error_of(int rc, std::string_view what, const std::string& directory);
Error write_error_of(int rc, std::string_view what, const std::string& directory,
                     std::uint64_t bytes_free);

}  // namespace skald::store::lmdb
