#include <fmt/format.h>
#include <lmdb.h>

#include "store/lmdb/env.h"
#include "store/lmdb/errors.h"

namespace skald::store::lmdb {
namespace {

// The begun page of a large value and its header, and the path to it: copied, or split.
constexpr std::uint64_t kPagesBesideValue = 6;

MDB_val val(Bytes bytes) {
    return {bytes.size(), const_cast<std::byte*>(bytes.data())};
}

Bytes bytes_of(const MDB_val& v) {
    return {static_cast<const std::byte*>(v.mv_data), v.mv_size};
}

std::string directory_of(MDB_env* env) {
    const char* path = nullptr;
    return mdb_env_get_path(env, &path) == 0 ? path : "";
}

Bytes key_bytes(const std::uint64_t& key) {
    return std::as_bytes(std::span(&key, 1));
}

}  // namespace

Txn::~Txn() {
    if (txn_ != nullptr) {
        mdb_txn_abort(txn_);
    }
}

Txn& Txn::operator=(Txn&& other) noexcept {
    std::swap(txn_, other.txn_);
    return *this;
}

ReadTxn::~ReadTxn() {
    if (txn_ != nullptr) {
        const auto* env = static_cast<const Env*>(mdb_env_get_userctx(mdb_txn_env(txn_)));
        env->give_back(std::exchange(txn_, nullptr));
    }
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

void WriteTxn::grow(std::size_t bytes) {
    growth_ += (bytes / kPageBytes + kPagesBesideValue) * kPageBytes;
}

Result<void> WriteTxn::put_with(Database db, Bytes key, Bytes value, unsigned flags) {
    MDB_val k = val(key);
    MDB_val v = val(value);
    if (const int rc = mdb_put(txn_, db.handle, &k, &v, flags); rc != 0) {
        return write_error_of(rc, "cannot write", directory_of(mdb_txn_env(txn_)));
    }
    grow(value.size());
    return {};
}

Result<void> WriteTxn::put(Database db, Bytes key, Bytes value) {
    return put_with(db, key, value, 0);
}

Result<void> WriteTxn::put(Database db, std::uint64_t key, Bytes value) {
    return put_with(db, key_bytes(key), value, 0);
}

Result<void> WriteTxn::append(Database db, std::uint64_t key, Bytes value) {
    return put_with(db, key_bytes(key), value, MDB_APPEND);
}

Result<std::span<std::byte>> WriteTxn::reserve(Database db, std::uint64_t key, std::size_t bytes) {
    MDB_val k = val(key_bytes(key));
    MDB_val v{bytes, nullptr};
    if (const int rc = mdb_put(txn_, db.handle, &k, &v, MDB_APPEND | MDB_RESERVE); rc != 0) {
        return write_error_of(rc, "cannot write", directory_of(mdb_txn_env(txn_)));
    }
    grow(bytes);
    return std::span(static_cast<std::byte*>(v.mv_data), v.mv_size);
}

Result<bool> WriteTxn::erase(Database db, Bytes key) {
    MDB_val k = val(key);
    const int rc = mdb_del(txn_, db.handle, &k, nullptr);
    if (rc != 0 && rc != MDB_NOTFOUND) {
        return error_of(rc, "cannot erase");
    }
    grow(0);
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

Result<void> WriteTxn::clear(Database db) {
    if (const int rc = mdb_drop(txn_, db.handle, 0); rc != 0) {
        return error_of(rc, "cannot clear a database");
    }
    return {};
}

Result<WriteTxn> WriteTxn::child() {
    MDB_txn* txn = nullptr;
    if (const int rc = mdb_txn_begin(mdb_txn_env(txn_), txn_, 0, &txn); rc != 0) {
        return error_of(rc, "cannot begin a child transaction");
    }
    WriteTxn child(txn);
    child.parent_ = this;
    return child;
}

Result<void> WriteTxn::commit() && {
    MDB_env* const env = mdb_txn_env(txn_);
    if (parent_ == nullptr) {
        auto& owner = *static_cast<Env*>(mdb_env_get_userctx(env));
        owner.pages_max_ = std::max<std::size_t>(owner.pages_max_, pages());
    }
    if (const int rc = mdb_txn_commit(std::exchange(txn_, nullptr)); rc != 0) {
        return write_error_of(rc, "cannot commit", directory_of(env));
    }
    if (parent_ != nullptr) {
        parent_->children_pages_ += pages();
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
