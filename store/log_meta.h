// A partition's databases and its meta data: lineage, epoch, where its log starts.
#pragma once

#include <vector>

#include "skald/ids.h"
#include "skald/result.h"
#include "store/lmdb/env.h"
#include "wire/batch.h"

namespace skald::store {

// A log's identity from an offset on. A restore or an unclean election adds one.
struct Lineage {
    Uuid id;
    Offset begin;
};
static_assert(sizeof(Lineage) == 24);

struct LogDatabases {
    lmdb::Database log;        // base offset -> batch
    lmdb::Database meta;       // lineage, epoch, start, lifecycle
    lmdb::Database producers;  // see producer_table.h
    lmdb::Database snapshots;  // stream -> snapshot
};

struct LogMeta {
    std::vector<Lineage> lineages;  // oldest first, never empty
    Epoch epoch{1};
    Offset start;                   // of the first record that is still there
    wire::ChainHash start_chain{};  // before it
    bool lifecycle = false;         // some stream has a lifecycle record
};

// Opens or creates partition N's databases, and its meta data when it is new.
Result<LogDatabases> open_log_databases(lmdb::WriteTxn& txn, Partition partition,
                                        const Uuid& new_lineage);
// The same without creating: corrupt when one is missing.
Result<LogDatabases> find_log_databases(lmdb::Txn& txn, Partition partition);

Result<LogMeta> read_log_meta(const lmdb::Txn& txn, Partition partition, lmdb::Database meta);
Result<void> write_log_meta(lmdb::WriteTxn& txn, lmdb::Database meta, const LogMeta& values);
Result<void> write_log_start(lmdb::WriteTxn& txn, lmdb::Database meta, Offset start,
                             const wire::ChainHash& chain);
Result<void> write_lifecycle_mark(lmdb::WriteTxn& txn, lmdb::Database meta);

}  // namespace skald::store
