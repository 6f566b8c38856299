// Finds batches and single records of one partition's log. Thread safe.
#pragma once

#include <optional>
#include <string>

#include "skald/ids.h"
#include "skald/result.h"
#include "store/checked_batches.h"
#include "store/frame_ring.h"
#include "store/lmdb/env.h"
#include "wire/batch.h"

namespace skald::store {

// A batch, in memory (frame set) or in the map (valid as long as the transaction it was read with).
struct BatchRef {
    Frame frame;
    wire::BatchView view;
};

// Corrupt: what the log holds at the offset is not what was written.
Error record_damaged(Partition partition, Offset at);

class LogReader {
  public:
    LogReader(lmdb::Env& env, lmdb::Database log, Partition partition, const FrameRing& ring)
        : env_(env), log_(log), partition_(partition), ring_(ring) {}

    // The batch that holds the offset, or the first behind it; nullopt when none is. Corrupt when
    // the log has a gap there or the batch is damaged.
    Result<std::optional<BatchRef>> at(const lmdb::ReadTxn& txn, Offset offset) const;
    // The same for who looks for many: with a cursor of one transaction.
    Result<lmdb::Cursor> cursor(const lmdb::ReadTxn& txn) const {
        return lmdb::Cursor::open(txn, log_);
    }
    Result<std::optional<BatchRef>> at(lmdb::Cursor& cursor, Offset offset) const;
    // The batch that holds the offset, or the last before it.
    Result<std::optional<BatchRef>> at_or_before(const lmdb::ReadTxn& txn, Offset offset) const;
    Result<std::optional<BatchRef>> last(const lmdb::ReadTxn& txn) const;
    // The first offset recorded at or after the time; the log's end when none is. Clocks rise with
    // offsets, so this is a binary search over batches.
    Result<Offset> at_time(const lmdb::ReadTxn& txn, Time time, Offset begin, Offset end) const;

    // Of a committed record; empty for a hole, nullopt where no record is. Opens a transaction of
    // its own.
    Result<std::optional<std::string>> data(Offset offset) const;

    const lmdb::Env& env() const { return env_; }

  private:
    Result<std::optional<BatchRef>> open(const lmdb::Cursor::Found& found) const;
    Result<std::optional<BatchRef>> in_memory(Offset offset) const;
    lmdb::Env& env_;
    lmdb::Database log_;
    Partition partition_;
    const FrameRing& ring_;
    mutable CheckedBatches checked_;
};

}  // namespace skald::store
