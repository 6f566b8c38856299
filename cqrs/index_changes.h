// What a batch of changed rows changes in the indexes: collected, sorted, then written.
//
// Threads: one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cqrs/byte_map.h"
#include "cqrs/model_tables.h"
#include "cqrs/stored_row.h"
#include "store/lmdb/write_cursor.h"

namespace skald::cqrs {

// The highest key that a database had: what lies beyond is appended, without a search.
class LastKey {
  public:
    static Result<LastKey> of(store::lmdb::WriteCursor& cursor);
    bool is_below(std::string_view key) const { return !key_ || *key_ < key; }

  private:
    std::optional<std::string> key_;
};

class IndexChanges {
  public:
    explicit IndexChanges(const ModelTables& tables);

    // Stored rows; they are looked at during the call.
    void note(std::string_view key, std::optional<std::string_view> before,
              std::optional<std::string_view> after);
    // `counted`: of each index, the changes of rows that a unique one counts.
    Result<void> write(store::lmdb::WriteTxn& txn, const std::vector<ByteMap>& counted);

  private:
    struct Entry {
        std::string_view key;
        std::string_view value;
    };
    struct Changes {
        std::vector<Entry> removed;
        std::vector<Entry> added;
    };
    Entry entry(const IndexSchema& index, const IndexedValue& value, std::string_view key);
    static Result<void> write_one(store::lmdb::WriteTxn& txn, store::lmdb::Database database,
                                  Changes& changes, const ByteMap& counted);

    const ModelTables& tables_;
    ByteArena arena_;
    std::vector<Changes> changes_;
};

}  // namespace skald::cqrs
