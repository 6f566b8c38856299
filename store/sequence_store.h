// The requests of producers in LMDB: chunks of ranges, each under the producer's id and the chunk's
// first sequence (docs/log_format.md). Part of store/producer_table.h.
#pragma once

#include <optional>
#include <vector>

#include "store/producer_table.h"

namespace skald::store {

// How keys of the producers' database begin. Ranges come last.
inline constexpr char kFenceKey = 'f';
inline constexpr char kProducerKey = 'p';
inline constexpr char kRangesKey = 'r';

// What is known of a producer beside its ranges.
struct StoredProducer {
    std::uint64_t epoch = 0;
    std::uint64_t last = 0;
};

// Adds the range, to the one before it when it continues that. Whether it became one more.
bool add_range(std::vector<SequenceRange>& ranges, const SequenceRange& range);
std::optional<Written> find_in(const std::vector<SequenceRange>& ranges, std::uint64_t sequence);

Result<std::optional<StoredProducer>> read_producer(const lmdb::Txn& txn, lmdb::Database database,
                                                    const Uuid& id);
Result<void> write_producer(lmdb::WriteTxn& txn, lmdb::Database database, const Uuid& id,
                            const StoredProducer& producer);

Result<std::optional<Written>> read_written(const lmdb::Txn& txn, lmdb::Database database,
                                            const Uuid& id, std::uint64_t sequence);
// Adds ranges behind those that are there; forgets whole chunks before what the last
// limits::kProducerRequestsMax sequences up to `last` need. Returns the bytes put.
Result<std::size_t> add_written(lmdb::WriteTxn& txn, lmdb::Database database, const Uuid& id,
                                const std::vector<SequenceRange>& ranges, std::uint64_t last);
Result<void> forget_written(lmdb::WriteTxn& txn, lmdb::Database database, const Uuid& id);

// What the log says of requests and fences below it is in the database.
Result<Offset> read_covered(const lmdb::Txn& txn, lmdb::Database database);
Result<void> write_covered(lmdb::WriteTxn& txn, lmdb::Database database, Offset covered);

}  // namespace skald::store
