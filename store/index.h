// The index of one partition: from streams, categories, types, correlations and tags to offsets.
//
// The newest events are indexed in memory (tail segments); older ones in sorted immutable runs kept
// as LMDB values, which IndexMaintainer writes and merges behind the writer's back. Runs and
// segments cover the log in disjoint, adjacent, rising ranges of offsets. Why runs and not trees:
// docs/decisions/0001. Nothing here is authoritative: it is all derived from the log.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/event.h"
#include "skald/ids.h"
#include "skald/result.h"
#include "store/lmdb/env.h"

namespace skald::store {

enum class TermKind : std::uint8_t { stream, category, type, correlation, tag };

// What is looked up. The key must outlive it.
struct Term {
    TermKind kind = TermKind::stream;
    std::string_view key;
    std::uint64_t hash = 0;  // XXH3-64 of kind and key
    static Term of(TermKind kind, std::string_view key);
};

// Where a stream's next event goes, and its newest lifecycle record (which carries the stream's
// whole state: limits, truncation, deletion).
struct StreamHead {
    Version next;
    std::optional<Offset> lifecycle;
    std::optional<Offset> last;  // of its newest event
};

struct Posting {
    Offset offset;
    Version version;  // of stream terms; else 0
    bool operator==(const Posting&) const = default;
};

class IndexSnapshot;

// One partition's. One thread at a time may call add(), the writer's; every other method is safe
// from any thread meanwhile.
class PartitionIndex {
  public:
    // Opens the runs of `partition` in the environment and creates its databases when missing.
    static Result<std::unique_ptr<PartitionIndex>> open(lmdb::Env& env, Partition partition);
    virtual ~PartitionIndex();

    // Everything below is in runs on the disk; the log from here on must be fed to add() at start.
    virtual Offset covered() const = 0;
    // One past the last record added.
    virtual Offset end() const = 0;

    // Adds the record at end(). A control record counts as its stream's newest lifecycle record and
    // is found under no other term; holes (`hole`) are indexed under their stream only, which keeps
    // versions gapless. May run ahead of the high-watermark: readers say how far they may see.
    virtual void add(const EventView& event, bool hole) = 0;
    // A record that no term leads to.
    virtual void skip() = 0;

    // Includes what was added but is not yet committed: for the writer's checks. nullopt when the
    // stream has neither event nor lifecycle record. Errors: io_error, corrupt.
    virtual Result<std::optional<StreamHead>> head(std::string_view stream) const = 0;

    // Consistent with the log of the same transaction: sees all postings below `below`, which must
    // not be above what the transaction's log holds. Take it before or after the transaction, in
    // any order; it keeps what it needs alive.
    virtual Result<std::unique_ptr<IndexSnapshot>> snapshot(const lmdb::ReadTxn& txn,
                                                            Offset below) const = 0;

    // Records may be sealed into runs below this offset, never above. The writer raises it after
    // each commit to the high-watermark.
    virtual void set_sealable(Offset high_watermark) = 0;
    // True when the tail is at its bound because merging lags; the writer then waits for slices.
    virtual bool full() const = 0;
    // Memory held, bytes.
    virtual std::size_t owned_bytes() const = 0;
};

// What an index looked like at one moment. Not thread safe. Must not outlive the transaction.
class IndexSnapshot {
  public:
    virtual ~IndexSnapshot() = default;

    // Up to `limit` postings of the term with offset >= from, rising; or with offset <= from,
    // falling, when `backward`.
    virtual Result<std::vector<Posting>> postings(const Term& term, Offset from, bool backward,
                                                  std::size_t limit) const = 0;
    // The same by version, of a stream.
    virtual Result<std::vector<Posting>> versions(std::string_view stream, Version from,
                                                  bool backward, std::size_t limit) const = 0;
    virtual Result<std::optional<StreamHead>> head(std::string_view stream) const = 0;
    // Up to `limit` distinct keys of a kind above `after`, bytewise, for which `wanted` holds.
    // Costs a pass over all keys of the kind, and memory for `limit` of them.
    virtual Result<std::vector<std::string>> keys(
        TermKind kind, std::string_view after, std::size_t limit,
        const std::function<bool(std::string_view)>& wanted) const = 0;
    // The sum over all postings below the snapshot's bound of posting_fingerprint(): equals the sum
    // over the log's records, or the index is wrong.
    virtual Result<std::uint64_t> fingerprint() const = 0;
};

std::uint64_t posting_fingerprint(const Term& term, Posting posting);
// The sum for one record, as add() would index it.
std::uint64_t record_fingerprint(const EventView& event, bool hole);

// Seals tails into runs and merges runs, in a thread of its own that only reads; all its writes
// ride on the writer's commits in slices of at most limits::kSliceBytesMax and
// limits::kSliceTimeMax.
class IndexMaintainer {
  public:
    // `wake` asks the writer to commit soon although no append waits; called from any thread.
    static std::unique_ptr<IndexMaintainer> start(lmdb::Env& env,
                                                  std::vector<PartitionIndex*> partitions,
                                                  std::function<void()> wake);
    virtual ~IndexMaintainer() = default;  // stops; what is half written is collected at next open

    // True when a slice waits. Cheap; any thread.
    virtual bool pending() const = 0;
    // Writer only: puts what fits one commit into the transaction. Then commit it and call
    // committed(); if the commit fails the store is dead and nothing more may be called.
    virtual Result<void> apply(lmdb::WriteTxn& txn) = 0;
    virtual void committed() = 0;
    // Set when the thread met an error: the store must stop.
    virtual std::optional<Error> failure() const = 0;
};

}  // namespace skald::store
