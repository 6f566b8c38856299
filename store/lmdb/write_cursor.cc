#include "store/lmdb/write_cursor.h"

#include <lmdb.h>

#include "store/lmdb/errors.h"

namespace skald::store::lmdb {
namespace {

MDB_val val(Bytes bytes) {
    return {bytes.size(), const_cast<std::byte*>(bytes.data())};
}

Bytes bytes_of(const MDB_val& v) {
    return {static_cast<const std::byte*>(v.mv_data), v.mv_size};
}

}  // namespace

Result<WriteCursor> WriteCursor::open(WriteTxn& txn, Database db) {
    MDB_cursor* cursor = nullptr;
    if (const int rc = mdb_cursor_open(txn.raw(), db.handle, &cursor); rc != 0) {
        return error_of(rc, "cannot open a cursor");
    }
    return WriteCursor(txn, cursor);
}

WriteCursor::~WriteCursor() {
    if (cursor_ != nullptr) {
        mdb_cursor_close(cursor_);
    }
}

WriteCursor& WriteCursor::operator=(WriteCursor&& other) noexcept {
    std::swap(txn_, other.txn_);
    std::swap(cursor_, other.cursor_);
    return *this;
}

Result<std::optional<Bytes>> WriteCursor::last_key() {
    MDB_val k{};
    MDB_val v{};
    const int rc = mdb_cursor_get(cursor_, &k, &v, MDB_LAST);
    if (rc == MDB_NOTFOUND) {
        return std::optional<Bytes>();
    }
    return rc == 0 ? Result<std::optional<Bytes>>(bytes_of(k)) : error_of(rc, "cannot read");
}

Result<std::optional<Bytes>> WriteCursor::find(Bytes key) {
    MDB_val k = val(key);
    MDB_val v{};
    const int rc = mdb_cursor_get(cursor_, &k, &v, MDB_SET_KEY);
    if (rc == MDB_NOTFOUND) {
        return std::optional<Bytes>();
    }
    return rc == 0 ? Result<std::optional<Bytes>>(bytes_of(v)) : error_of(rc, "cannot read");
}

Result<void> WriteCursor::put_with(Bytes key, Bytes value, unsigned flags) {
    MDB_val k = val(key);
    MDB_val v = val(value);
    if (const int rc = mdb_cursor_put(cursor_, &k, &v, flags); rc != 0) {
        const char* directory = nullptr;
        mdb_env_get_path(mdb_txn_env(mdb_cursor_txn(cursor_)), &directory);
        return write_error_of(rc, "cannot write", directory);
    }
    txn_->grow(value.size());
    return {};
}

Result<void> WriteCursor::put(Bytes key, Bytes value) {
    return put_with(key, value, 0);
}

Result<void> WriteCursor::append(Bytes key, Bytes value) {
    return put_with(key, value, MDB_APPEND);
}

Result<bool> WriteCursor::erase(Bytes key) {
    auto found = find(key);
    if (!found || !*found) {
        return found ? Result<bool>(false) : found.error();
    }
    const int rc = mdb_cursor_del(cursor_, 0);
    txn_->grow(0);
    return rc == 0 ? Result<bool>(true) : error_of(rc, "cannot erase");
}

}  // namespace skald::store::lmdb
