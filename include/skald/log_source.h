// Where copies of a log are made from: a directory at rest, or a running node (skald/client.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "skald/ids.h"
#include "skald/result.h"

namespace skald {

// A log's identity from an offset on. A restore or an unclean election adds one.
struct Lineage {
    Uuid id;
    Offset begin;
    bool operator==(const Lineage&) const = default;
};

// What is known of a partition's log beside its batches.
struct LogMeta {
    std::vector<Lineage> lineages;  // oldest first, never empty
    Epoch epoch{1};
    Offset start;                                // of the first record that is still there
    std::array<std::uint8_t, 16> start_chain{};  // the chain hash before it
    bool lifecycle = false;                      // some stream has a lifecycle record
    bool operator==(const LogMeta&) const = default;
};

struct PartitionState {
    LogMeta meta;
    Offset high_watermark;  // what lies below may be copied
    bool operator==(const PartitionState&) const = default;
};

struct LogState {
    Uuid cluster;
    std::uint64_t bytes = 0;                 // of log, about: for progress
    std::vector<PartitionState> partitions;  // by number
    bool operator==(const LogState&) const = default;
};

struct LogRange {
    Partition partition;
    Offset from;            // where a batch begins
    Offset end;             // or the high-watermark, when that is lower
    std::size_t bytes = 0;  // wanted; the first batch comes whatever its size
};

// Whole batches as they are stored (docs/log_format.md), one behind the other.
struct BatchRun {
    std::vector<std::span<const std::byte>> batches;
    // Keeps them. It may be a read transaction of the log: not to be held for more than 2 s.
    std::shared_ptr<const void> memory;
};

// Rows of what the log remembers of producers and fences: u16 bytes of the key, u32 bytes of the
// value, key, value. All rows of one producer come together, and say nothing of records that were
// at or above the high-watermark.
struct ProducerRows {
    Offset covered;    // they hold all that the log says below it, and may hold more
    std::string rows;  // those that begin with p, r and f of p<N>.producers in docs/log_format.md
    std::string next;  // the `after` of the next rows; empty: these were the last
};

// One thread at a time.
class LogSource {
  public:
    virtual ~LogSource() = default;
    // As of one moment.
    virtual Result<LogState> state() = 0;
    // At most 1,000 batches and some MiB; none when `from` is not below the end. Errors:
    // log_truncated with the offset where the log starts now, when that is above `from`;
    // invalid_argument when no batch begins there.
    virtual Result<BatchRun> batches(const LogRange& range) = 0;
    // From the first row on when `after` is empty; at least one producer's. busy while a commit is
    // being published.
    virtual Result<ProducerRows> producers(Partition partition, const std::string& after,
                                           std::size_t bytes) = 0;
};

}  // namespace skald
