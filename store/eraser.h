// Turns records into holes, inside a transaction of the writer.
#pragma once

#include <span>
#include <string_view>

#include "store/partition_log.h"

namespace skald::store {

// Rewrites the batch at the base offset with holes at these indexes (rising). Holes stay holes.
Result<void> punch_batch(lmdb::WriteTxn& txn, lmdb::Database log, Offset base,
                         std::span<const std::uint32_t> dead);

// The committed event of that version becomes a hole. Nothing happens when there is none.
Result<void> erase_event(lmdb::WriteTxn& txn, PartitionLog& log, std::string_view stream,
                         Version version);

}  // namespace skald::store
