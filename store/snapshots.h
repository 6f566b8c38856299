// Aggregate snapshots: a cache beside the log, one a stream, dropped by whatever takes events of
// the stream away.
#pragma once

#include <optional>
#include <string_view>

#include "skald/event_store.h"
#include "store/lmdb/env.h"

namespace skald::store {

Result<std::optional<Snapshot>> read_snapshot(const lmdb::Txn& txn, lmdb::Database database,
                                              std::string_view stream);
Result<void> write_snapshot(lmdb::WriteTxn& txn, lmdb::Database database, std::string_view stream,
                            const Snapshot& snapshot);
Result<void> drop_snapshot(lmdb::WriteTxn& txn, lmdb::Database database, std::string_view stream);

}  // namespace skald::store
