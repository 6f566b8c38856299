// A data directory opened to be looked at or copied, not served.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/identity.h"
#include "store/log_meta.h"

namespace skald::store {

struct Directory {
    std::unique_ptr<lmdb::Env> env;
    Identity identity;
    std::vector<LogDatabases> databases;  // by partition
};

// For reading, while another process may write it. not_found, unknown_format, io_error.
Result<Directory> open_for_reading(const std::string& path);
// For reading: already_open when another process writes it, and none may before this is closed.
Result<Directory> open_at_rest(const std::string& path);
// For everything, alone: already_open when another process writes it.
Result<Directory> open_exclusively(const std::string& path);
// A new one. `identity` is not written: until it is, nobody takes the directory for a log.
// already_exists when `path` holds anything.
Result<Directory> begin_directory(const std::string& path, const Identity& identity);
// Removes what begin_directory() made, as far as that works. Nobody may have it open.
void discard_directory(const std::string& path);

}  // namespace skald::store
