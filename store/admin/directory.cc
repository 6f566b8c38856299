#include "store/admin/directory.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/limits.h"

namespace skald::store {
namespace {

constexpr unsigned kDatabasesMax = limits::kPartitionsMax * 8U + 8;

lmdb::EnvOptions env_options(bool create, bool read_only) {
    lmdb::EnvOptions options;
    options.map_bytes = limits::kMapBytesDefault;
    options.readers_max = limits::kReadersMax;
    options.databases_max = kDatabasesMax;
    options.create = create;
    options.read_only = read_only;
    return options;
}

Result<Directory> open_known(const std::string& path, bool read_only) {
    auto env = lmdb::Env::open(path, env_options(false, read_only));
    if (!env) {
        return env.error();
    }
    Directory directory;
    directory.env = std::move(*env);
    auto txn = directory.env->read();
    if (!txn) {
        return txn.error();
    }
    auto identity = read_identity(*txn);
    if (!identity) {
        identity.error().message = path + ": " + identity.error().message;
        return identity.error();
    }
    if (!*identity) {
        return Error(Errc::not_found, path + " holds no log");
    }
    directory.identity = **identity;
    for (std::uint16_t i = 0; i < directory.identity.partitions; ++i) {
        auto databases = find_log_databases(*txn, Partition{i});
        if (!databases) {
            return databases.error();
        }
        directory.databases.push_back(*databases);
    }
    // Handles opened in a read transaction stay only if it commits.
    if (auto ok = std::move(*txn).keep_handles(); !ok) {
        return ok.error();
    }
    return directory;
}

}  // namespace

Result<Directory> open_for_reading(const std::string& path) {
    return open_known(path, true);
}

Result<Directory> open_exclusively(const std::string& path) {
    return open_known(path, false);
}

Result<Directory> create_directory(const std::string& path, const Identity& identity) {
    namespace fs = std::filesystem;
    std::error_code ec;
    if (fs::exists(path, ec) && !fs::is_empty(path, ec)) {
        return Error(Errc::already_exists,
                     fmt::format("{} is not empty; name a new directory", path));
    }
    auto env = lmdb::Env::open(path, env_options(true, false));
    if (!env) {
        return env.error();
    }
    Directory directory;
    directory.env = std::move(*env);
    directory.identity = identity;
    auto txn = directory.env->write();
    if (!txn) {
        return txn.error();
    }
    if (auto ok = write_identity(*txn, identity); !ok) {
        return ok.error();
    }
    for (std::uint16_t i = 0; i < identity.partitions; ++i) {
        auto databases = open_log_databases(*txn, Partition{i}, Uuid{});
        if (!databases) {
            return databases.error();
        }
        directory.databases.push_back(*databases);
    }
    if (auto ok = std::move(*txn).commit(); !ok) {
        return ok.error();
    }
    return directory;
}

Result<Offset> log_end(const lmdb::Txn& txn, lmdb::Database log, const LogMeta& meta) {
    auto cursor = lmdb::Cursor::open(txn, log);
    if (!cursor) {
        return cursor.error();
    }
    auto last = cursor->last();
    if (!last) {
        return last.error();
    }
    if (!*last) {
        return meta.start;
    }
    auto batch = wire::BatchView::open((*last)->value);
    return batch ? Result<Offset>(batch->end()) : batch.error();
}

}  // namespace skald::store
