#include "store/lmdb/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "store/lmdb/errors.h"

namespace skald::store::lmdb {
namespace {

namespace fs = std::filesystem;

// EINVAL: a file system that has nothing to sync there.
Result<void> sync_path(const std::string& path, int flags) {
    const int fd = open(path.c_str(), flags | O_CLOEXEC);
    if (fd < 0) {
        return error_of(errno, path);
    }
    const int failed = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
    close(fd);
    return failed == 0 ? Result<void>() : error_of(failed, fmt::format("cannot sync {}", path));
}

fs::path parent_of(const fs::path& directory) {
    const fs::path whole = fs::absolute(directory).lexically_normal();
    return whole.has_filename() ? whole.parent_path() : whole.parent_path().parent_path();
}

Result<void> write_empty(const std::string& path) {
    MDB_env* env = nullptr;
    int rc = mdb_env_create(&env);
    if (rc == 0) {
        rc = mdb_env_open(env, path.c_str(), MDB_NOSUBDIR | MDB_NOLOCK, 0644);
    }
    mdb_env_close(env);
    return rc == 0 ? Result<void>() : error_of(rc, fmt::format("cannot make {}", path));
}

}  // namespace

Result<void> make_directory(const std::string& directory) {
    std::error_code ec;
    std::vector<fs::path> above;  // of those that are made
    for (fs::path at = directory; !fs::exists(at, ec) && !ec; at = parent_of(at)) {
        above.push_back(parent_of(at));
    }
    fs::create_directories(directory, ec);
    if (ec) {
        return Error(code_of(ec.value()),
                     fmt::format("cannot create directory {}: {}", directory, ec.message()));
    }
    for (const fs::path& parent : above) {
        if (auto ok = sync_path(parent, O_RDONLY | O_DIRECTORY); !ok) {
            return ok;
        }
    }
    return {};
}

Result<void> make_data_file(const std::string& directory) {
    const std::string path = directory + "/data.mdb";
    const std::string fresh = directory + "/new.mdb";
    std::error_code ec;
    if (fs::exists(path, ec)) {
        return {};
    }
    // One that was cut off is of no use.
    if (unlink(fresh.c_str()) != 0 && errno != ENOENT) {
        return error_of(errno, fresh);
    }
    if (auto ok = write_empty(fresh); !ok) {
        return ok;
    }
    if (auto ok = sync_path(fresh, O_RDWR); !ok) {
        return ok;
    }
    if (std::rename(fresh.c_str(), path.c_str()) != 0) {
        return error_of(errno, path);
    }
    return {};
}

Result<void> sync_names(const std::string& directory) {
    if (auto ok = sync_path(directory, O_RDONLY | O_DIRECTORY); !ok) {
        return ok;
    }
    // Whoever made it may have been killed before it was synced. A parent that cannot be read is
    // not ours to have made.
    auto ok = sync_path(parent_of(directory), O_RDONLY | O_DIRECTORY);
    return ok || ok.error().code == Errc::read_only ? Result<void>() : ok;
}

Result<void> check_size(MDB_env* env) {
    mdb_filehandle_t fd = 0;
    struct stat file {};
    MDB_envinfo info{};
    MDB_stat stat{};
    if (mdb_env_get_fd(env, &fd) != 0 || fstat(fd, &file) != 0 || mdb_env_info(env, &info) != 0 ||
        mdb_env_stat(env, &stat) != 0) {
        return error_of(EIO, "cannot look at the data file");
    }
    const std::uint64_t needed = (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
    if (static_cast<std::uint64_t>(file.st_size) < needed) {
        return Error(Errc::corrupt, fmt::format("the data file has {} bytes, {} are in use",
                                                file.st_size, needed));
    }
    return {};
}

}  // namespace skald::store::lmdb
