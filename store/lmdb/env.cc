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

namespace skald::store::lmdb {
namespace {

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

MDB_val val(Bytes bytes) {
    return {bytes.size(), const_cast<std::byte*>(bytes.data())};
}

Bytes bytes_of(const MDB_val& v) {
    return {static_cast<const std::byte*>(v.mv_data), v.mv_size};
}

Bytes key_bytes(const std::uint64_t& key) {
    return std::as_bytes(std::span(&key, 1));
}

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
        fs::create_directories(directory, ec);
        if (ec) {
            return Error(code_of(ec.value()),
                         fmt::format("cannot create directory {}: {}", directory, ec.message()));
        }
    }
    if (!options.create && !fs::exists(directory + "/data.mdb", ec)) {
        return Error(Errc::not_found, fmt::format("{} holds no log (no file data.mdb)", directory));
    }
    const fs::path canonical = fs::canonical(directory, ec);
    if (ec) {
        return Error(code_of(ec.value()), fmt::format("{}: {}", directory, ec.message()));
    }
    return canonical.string();
}

Result<int> lock_directory(const std::string& directory) {
    const std::string path = directory + "/skald.lock";
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        return errno_error(path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
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
    if (options.read_only) {
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
    return env;
}

}  // namespace

Env::Env(std::string directory, MDB_env* env, int lock_fd)
    : directory_(std::move(directory)), env_(env), lock_fd_(lock_fd) {}

Env::~Env() {
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
    int lock_fd = -1;
    if (!options.read_only) {
        auto locked = lock_directory(*canonical);
        if (!locked) {
            unclaim(*canonical);
            return locked.error();
        }
        lock_fd = *locked;
    }
    auto env = open_env(*canonical, options);
    if (!env) {
        if (lock_fd >= 0) {
            close(lock_fd);
        }
        unclaim(*canonical);
        return env.error();
    }
    std::unique_ptr<Env> opened(new Env(*canonical, *env, lock_fd));
    opened->clear_stale_readers();
    return opened;
}

Result<ReadTxn> Env::read() const {
    MDB_txn* txn = nullptr;
    if (const int rc = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn); rc != 0) {
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

int Env::clear_stale_readers() {
    int dead = 0;
    mdb_reader_check(env_, &dead);
    return dead;
}

Txn::~Txn() {
    if (txn_ != nullptr) {
        mdb_txn_abort(txn_);
    }
}

Txn& Txn::operator=(Txn&& other) noexcept {
    std::swap(txn_, other.txn_);
    return *this;
}

std::uint64_t ReadTxn::id() const {
    return mdb_txn_id(txn_);
}

Result<void> ReadTxn::keep_handles() && {
    if (const int rc = mdb_txn_commit(std::exchange(txn_, nullptr)); rc != 0) {
        return error_of(rc, "cannot keep database handles");
    }
    return {};
}

Result<std::optional<Bytes>> Txn::get(Database db, Bytes key) const {
    MDB_val k = val(key);
    MDB_val v{};
    const int rc = mdb_get(txn_, db.handle, &k, &v);
    if (rc == MDB_NOTFOUND) {
        return std::optional<Bytes>();
    }
    if (rc != 0) {
        return error_of(rc, "cannot read");
    }
    return std::optional(bytes_of(v));
}

Result<std::optional<Bytes>> Txn::get(Database db, std::uint64_t key) const {
    return get(db, key_bytes(key));
}

Result<std::optional<Database>> Txn::find(const char* name, Keys keys) {
    MDB_dbi handle = 0;
    const int rc = mdb_dbi_open(txn_, name, keys == Keys::integers ? MDB_INTEGERKEY : 0, &handle);
    if (rc == MDB_NOTFOUND) {
        return std::optional<Database>();
    }
    if (rc != 0) {
        return error_of(rc, fmt::format("cannot open database {}", name));
    }
    return std::optional(Database{handle});
}

Result<std::size_t> Txn::databases() const {
    MDB_dbi main = 0;
    if (const int rc = mdb_dbi_open(txn_, nullptr, 0, &main); rc != 0) {
        return error_of(rc, "cannot open the directory of databases");
    }
    MDB_stat stat{};
    if (const int rc = mdb_stat(txn_, main, &stat); rc != 0) {
        return error_of(rc, "cannot read the directory of databases");
    }
    return stat.ms_entries;
}

Result<Database> WriteTxn::open(const char* name, Keys keys) {
    MDB_dbi handle = 0;
    const unsigned flags = MDB_CREATE | (keys == Keys::integers ? MDB_INTEGERKEY : 0U);
    if (const int rc = mdb_dbi_open(txn_, name, flags, &handle); rc != 0) {
        return error_of(rc, fmt::format("cannot open database {}", name));
    }
    return Database{handle};
}

namespace {

Result<void> put_with(MDB_txn* txn, Database db, Bytes key, Bytes value, unsigned flags) {
    MDB_val k = val(key);
    MDB_val v = val(value);
    if (const int rc = mdb_put(txn, db.handle, &k, &v, flags); rc != 0) {
        return error_of(rc, "cannot write");
    }
    return {};
}

}  // namespace

Result<void> WriteTxn::put(Database db, Bytes key, Bytes value) {
    return put_with(txn_, db, key, value, 0);
}

Result<void> WriteTxn::put(Database db, std::uint64_t key, Bytes value) {
    return put_with(txn_, db, key_bytes(key), value, 0);
}

Result<void> WriteTxn::append(Database db, std::uint64_t key, Bytes value) {
    return put_with(txn_, db, key_bytes(key), value, MDB_APPEND);
}

Result<bool> WriteTxn::erase(Database db, Bytes key) {
    MDB_val k = val(key);
    const int rc = mdb_del(txn_, db.handle, &k, nullptr);
    if (rc != 0 && rc != MDB_NOTFOUND) {
        return error_of(rc, "cannot erase");
    }
    return rc == 0;
}

Result<bool> WriteTxn::erase(Database db, std::uint64_t key) {
    return erase(db, key_bytes(key));
}

Result<void> WriteTxn::drop(Database db) {
    if (const int rc = mdb_drop(txn_, db.handle, 1); rc != 0) {
        return error_of(rc, "cannot drop a database");
    }
    return {};
}

Result<WriteTxn> WriteTxn::child() {
    MDB_txn* txn = nullptr;
    if (const int rc = mdb_txn_begin(mdb_txn_env(txn_), txn_, 0, &txn); rc != 0) {
        return error_of(rc, "cannot begin a child transaction");
    }
    return WriteTxn(txn);
}

Result<void> WriteTxn::commit() && {
    if (const int rc = mdb_txn_commit(std::exchange(txn_, nullptr)); rc != 0) {
        return error_of(rc, "cannot commit");
    }
    return {};
}

Result<Cursor> Cursor::open(const Txn& txn, Database db) {
    MDB_cursor* cursor = nullptr;
    if (const int rc = mdb_cursor_open(txn.raw(), db.handle, &cursor); rc != 0) {
        return error_of(rc, "cannot open a cursor");
    }
    return Cursor(cursor);
}

Cursor::~Cursor() {
    if (cursor_ != nullptr) {
        mdb_cursor_close(cursor_);
    }
}

Cursor& Cursor::operator=(Cursor&& other) noexcept {
    std::swap(cursor_, other.cursor_);
    return *this;
}

Cursor::Found Cursor::move(int operation, Bytes key) {
    MDB_val k = val(key);
    MDB_val v{};
    const int rc = mdb_cursor_get(cursor_, &k, &v, static_cast<MDB_cursor_op>(operation));
    if (rc == MDB_NOTFOUND) {
        return std::optional<Entry>();
    }
    if (rc != 0) {
        return error_of(rc, "cannot read");
    }
    return std::optional(Entry{bytes_of(k), bytes_of(v)});
}

Cursor::Found Cursor::first() {
    return move(MDB_FIRST);
}
Cursor::Found Cursor::last() {
    return move(MDB_LAST);
}
Cursor::Found Cursor::next() {
    return move(MDB_NEXT);
}
Cursor::Found Cursor::previous() {
    return move(MDB_PREV);
}
Cursor::Found Cursor::at_or_after(Bytes key) {
    return move(MDB_SET_RANGE, key);
}
Cursor::Found Cursor::at_or_after(std::uint64_t key) {
    return move(MDB_SET_RANGE, key_bytes(key));
}

Cursor::Found Cursor::at_or_before(std::uint64_t key) {
    auto found = at_or_after(key);
    if (!found || (*found && (*found)->number() == key)) {
        return found;
    }
    return *found ? previous() : last();
}

}  // namespace skald::store::lmdb
