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
// For everything, alone: already_open when another process writes it.
Result<Directory> open_exclusively(const std::string& path);
// A new one with these partitions; already_exists when `path` holds anything.
Result<Directory> create_directory(const std::string& path, const Identity& identity);

// One past the last record.
Result<Offset> log_end(const lmdb::Txn& txn, lmdb::Database log, const LogMeta& meta);

}  // namespace skald::store
