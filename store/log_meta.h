// A partition's databases and its meta data: lineage, epoch, where its log starts.
#pragma once

#include "skald/log_source.h"
#include "store/lmdb/env.h"
#include "wire/batch.h"

namespace skald::store {

static_assert(sizeof(Lineage) == 24);  // as it is stored

struct LogDatabases {
    lmdb::Database log;        // base offset -> batch
    lmdb::Database meta;       // lineage, epoch, start, lifecycle
    lmdb::Database producers;  // see producer_table.h
    lmdb::Database snapshots;  // stream -> snapshot
};

// The environment of a data directory; 0 bytes of map: the default.
lmdb::EnvOptions env_options(std::size_t map_bytes = 0);

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

// One past the last record; nullopt of a log without any.
Result<std::optional<Offset>> log_end(const lmdb::Txn& txn, lmdb::Database log);

}  // namespace skald::store
