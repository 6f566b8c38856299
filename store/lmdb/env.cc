#include "store/lmdb/env.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>

#include "store/lmdb/errors.h"
#include "store/lmdb/files.h"

namespace skald::store::lmdb {
namespace {

constexpr std::size_t kIdleReadsMax = 8;

// LMDB must not be opened twice in one process: closing one copy drops the other's file locks.
std::mutex open_mutex;
std::set<std::string>& open_directories() {
    static std::set<std::string> directories;
    return directories;
}

bool claim(const std::string& directory) {
    const std::scoped_lock lock(open_mutex);
    return open_directories().insert(directory).second;
}

void unclaim(const std::string& directory) {
    const std::scoped_lock lock(open_mutex);
    open_directories().erase(directory);
}

Error errno_error(std::string_view what) {
    return {code_of(errno), fmt::format("{}: {}", what, std::strerror(errno))};
}

Result<std::string> prepare_directory(const std::string& directory, const EnvOptions& options) {
    namespace fs = std::filesystem;
    std::error_code ec;
    if (options.create) {
        if (auto ok = make_directory(directory); !ok) {
            return ok.error();
        }
    }
    if (!options.create && !fs::exists(directory + "/data.mdb", ec)) {
        if (ec) {
            return Error(code_of(ec.value()), fmt::format("{}: {}", directory, ec.message()));
        }
        return Error(Errc::not_found, fmt::format("{} holds no log (no file data.mdb)", directory));
    }
    const fs::path canonical = fs::canonical(directory, ec);
    if (ec) {
        return Error(code_of(ec.value()), fmt::format("{}: {}", directory, ec.message()));
    }
    return canonical.string();
}

// -1: none is needed. Where the lock's file is missing nobody ever wrote who knows of it.
Result<int> lock_directory(const std::string& directory, Access access) {
    const std::string path = directory + "/skald.lock";
    const bool writes = access == Access::write;
    if (access == Access::read) {
        return -1;
    }
    const int fd = open(path.c_str(), (writes ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, 0644);
    if (fd < 0 && !writes && errno == ENOENT) {
        return -1;
    }
    if (fd < 0) {
        return errno_error(path);
    }
    if (flock(fd, (writes ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
        close(fd);
        return Error(
            Errc::already_open,
            fmt::format("{} is in use by another process; stop that one first", directory));
    }
    return fd;
}

Result<MDB_env*> open_env(const std::string& directory, const EnvOptions& options) {
    MDB_env* env = nullptr;
    if (const int rc = mdb_env_create(&env); rc != 0) {
        return error_of(rc, directory);
    }
    unsigned flags = MDB_NOTLS;
    if (options.access != Access::write) {
        flags |= MDB_RDONLY;
    }
    int rc = mdb_env_set_maxreaders(env, options.readers_max);
    if (rc == 0) {
        rc = mdb_env_set_maxdbs(env, options.databases_max);
    }
    if (rc == 0 && options.map_bytes != 0) {
        rc = mdb_env_set_mapsize(env, options.map_bytes);
    }
    if (rc == 0) {
        rc = mdb_env_open(env, directory.c_str(), flags, 0644);
    }
    if (rc != 0) {
        mdb_env_close(env);
        return error_of(rc, fmt::format("cannot open {}", directory));
    }
    if (auto ok = check_size(env); !ok) {
        mdb_env_close(env);
        return Error(ok.error().code, fmt::format("{}: {}", directory, ok.error().message));
    }
    return env;
}

}  // namespace

Env::Env(std::string directory, MDB_env* env, int lock_fd)
    : directory_(std::move(directory)), env_(env), lock_fd_(lock_fd) {
    mdb_env_set_userctx(env_, this);
}

Env::~Env() {
    for (MDB_txn* idle : idle_) {
        mdb_txn_abort(idle);
    }
    mdb_env_close(env_);
    if (lock_fd_ >= 0) {
        close(lock_fd_);
    }
    unclaim(directory_);
}

Result<std::unique_ptr<Env>> Env::open(const std::string& directory, const EnvOptions& options) {
    auto canonical = prepare_directory(directory, options);
    if (!canonical) {
        return canonical.error();
    }
    if (!claim(*canonical)) {
        return Error(Errc::already_open, fmt::format("{} is open in this process", directory));
    }
    auto locked = lock_directory(*canonical, options.access);
    if (!locked) {
        unclaim(*canonical);
        return locked.error();
    }
    const int lock_fd = *locked;
    const auto give_up = [&](const Error& error) {
        if (lock_fd >= 0) {
            close(lock_fd);
        }
        unclaim(*canonical);
        return error;
    };
    if (options.access == Access::write) {
        if (auto ok = make_data_file(*canonical); !ok) {
            return give_up(ok.error());
        }
        if (auto ok = sync_names(*canonical); !ok) {
            return give_up(ok.error());
        }
    }
    auto env = open_env(*canonical, options);
    if (!env) {
        return give_up(env.error());
    }
    std::unique_ptr<Env> opened(new Env(*canonical, *env, lock_fd));
    opened->clear_stale_readers();
    return opened;
}

void Env::give_back(MDB_txn* read) const {
    mdb_txn_reset(read);
    {
        const std::scoped_lock lock(idle_mutex_);
        if (idle_.size() < kIdleReadsMax) {
            idle_.push_back(read);
            return;
        }
    }
    mdb_txn_abort(read);
}

Result<ReadTxn> Env::read() const {
    MDB_txn* txn = nullptr;
    {
        const std::scoped_lock lock(idle_mutex_);
        if (!idle_.empty()) {
            txn = idle_.back();
            idle_.pop_back();
        }
    }
    if (txn != nullptr && mdb_txn_renew(txn) == 0) {
        return ReadTxn(txn);
    }
    if (txn != nullptr) {
        mdb_txn_abort(txn);
    }
    int rc = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
    if (rc == MDB_READERS_FULL && clear_stale_readers() > 0) {
        rc = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
    }
    if (rc == MDB_READERS_FULL) {
        return Error(code_of(rc), "too many reads at once; try again");
    }
    if (rc != 0) {
        return error_of(rc, "cannot begin a read");
    }
    return ReadTxn(txn);
}

Result<WriteTxn> Env::write() {
    MDB_txn* txn = nullptr;
    if (const int rc = mdb_txn_begin(env_, nullptr, 0, &txn); rc != 0) {
        return error_of(rc, "cannot begin a write");
    }
    return WriteTxn(txn);
}

EnvInfo Env::info() const {
    MDB_envinfo info{};
    MDB_stat stat{};
    mdb_env_info(env_, &info);
    mdb_env_stat(env_, &stat);
    EnvInfo out;
    out.last_page = info.me_last_pgno;
    out.last_txn = info.me_last_txnid;
    out.page_bytes = stat.ms_psize;
    out.map_bytes = info.me_mapsize;
    out.readers = info.me_numreaders;
    out.oldest_reader_txn = info.me_last_txnid;
    // mdb_reader_list prints one line a reader: pid, thread, and its transaction or `-`.
    const auto oldest = [](const char* line, void* context) {
        auto& lowest = *static_cast<std::uint64_t*>(context);
        unsigned long pid = 0;
        unsigned long long txn = 0;
        char thread[64];
        if (std::sscanf(line, "%lu %63s %llu", &pid, thread, &txn) == 3) {
            lowest = std::min<std::uint64_t>(lowest, txn);
        }
        return 0;
    };
    mdb_reader_list(env_, oldest, &out.oldest_reader_txn);
    return out;
}

int Env::clear_stale_readers() const {
    int dead = 0;
    mdb_reader_check(env_, &dead);
    return dead;
}

}  // namespace skald::store::lmdb
