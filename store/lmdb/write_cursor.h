// Writes to one database in the order of its keys: a key near the last one is found without a
// search from the root, and one behind all others is appended to full pages.
//
// Bytes it gives are valid until its next change. What it writes counts in WriteTxn::growth().
// Errors: as of WriteTxn.
//
// Threads: its transaction's. Must not outlive it.
#pragma once

#include <optional>
#include <utility>

#include "store/lmdb/env.h"

namespace skald::store::lmdb {

class WriteCursor {
  public:
    static Result<WriteCursor> open(WriteTxn& txn, Database db);
    ~WriteCursor();
    WriteCursor(WriteCursor&& other) noexcept
        : txn_(other.txn_), cursor_(std::exchange(other.cursor_, nullptr)) {}
    WriteCursor& operator=(WriteCursor&& other) noexcept;

    // The highest key; nullopt in an empty database.
    Result<std::optional<Bytes>> last_key();
    // The value of this key.
    Result<std::optional<Bytes>> find(Bytes key);
    Result<void> put(Bytes key, Bytes value);
    // The key must be higher than every key in the database.
    Result<void> append(Bytes key, Bytes value);
    // False when there was none.
    Result<bool> erase(Bytes key);

  private:
    WriteCursor(WriteTxn& txn, MDB_cursor* cursor) : txn_(&txn), cursor_(cursor) {}
    Result<void> put_with(Bytes key, Bytes value, unsigned flags);
    WriteTxn* txn_;
    MDB_cursor* cursor_;
};

}  // namespace skald::store::lmdb
