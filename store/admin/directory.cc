#include "store/admin/directory.h"

#include <fmt/format.h>

#include <filesystem>

namespace skald::store {
namespace {

Result<Directory> open_known(const std::string& path, lmdb::Access access) {
    lmdb::EnvOptions options = env_options();
    options.create = false;
    options.access = access;
    auto env = lmdb::Env::open(path, options);
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
    return open_known(path, lmdb::Access::read);
}

Result<Directory> open_at_rest(const std::string& path) {
    return open_known(path, lmdb::Access::read_at_rest);
}

Result<Directory> open_exclusively(const std::string& path) {
    return open_known(path, lmdb::Access::write);
}

Result<Directory> begin_directory(const std::string& path, const Identity& identity) {
    namespace fs = std::filesystem;
    std::error_code ec;
    if (fs::exists(path, ec) && !fs::is_empty(path, ec)) {
        return Error(Errc::already_exists,
                     fmt::format("{} is not empty; name a new directory", path));
    }
    auto env = lmdb::Env::open(path, env_options());
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

void discard_directory(const std::string& path) {
    std::error_code ignored;
    for (const char* name : {"/data.mdb", "/lock.mdb", "/skald.lock"}) {
        std::filesystem::remove(path + name, ignored);
    }
    std::filesystem::remove(path, ignored);
}

}  // namespace skald::store
