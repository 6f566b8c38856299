// What a log remembers of its producers and fences, on its way into a copy (skald/log_source.h).
#pragma once

#include "skald/log_source.h"
#include "store/lmdb/env.h"

namespace skald::store {

// Rows behind the key `after`, some `bytes` of them.
Result<ProducerRows> read_producer_rows(const lmdb::Txn& txn, lmdb::Database database,
                                        const std::string& after, std::size_t bytes);
// malformed when they are no rows.
Result<void> write_producer_rows(lmdb::WriteTxn& txn, lmdb::Database database,
                                 std::string_view rows);

}  // namespace skald::store
