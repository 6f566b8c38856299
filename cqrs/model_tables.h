// The databases of one version of a read model. All names begin with the model's prefix, which is
// empty where the model has an environment of its own.
//
//     v<N>.rows        key -> stored row
//     v<N>.i<K>        of index K. A unique index: values -> key, and values with the key behind
//                      them for a row that it does not count. Another: values with the key behind
//                      them -> u16 size of the values
//     v<N>.parked      parked_events.h
//
// Threads: any; handles are valid until drop() is committed.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "skald/cqrs/row.h"
#include "store/lmdb/env.h"

namespace skald::cqrs {

struct ModelTables {
    RowSchema schema;
    store::lmdb::Database rows;
    std::vector<store::lmdb::Database> indexes;
    store::lmdb::Database parked;

    // Makes those that are missing.
    static Result<ModelTables> open(store::lmdb::WriteTxn& txn, std::string_view prefix,
                                    std::uint32_t version, RowSchema schema);
    // Whether a database of some version is called so, behind the prefix.
    static bool has_name(std::string_view name);
    Result<void> clear(store::lmdb::WriteTxn& txn) const;
    Result<void> drop(store::lmdb::WriteTxn& txn) const;
};

// The key of the row that an index's entry is of.
std::string_view row_key_of(const IndexSchema& index, const store::lmdb::Cursor::Entry& entry);

}  // namespace skald::cqrs
