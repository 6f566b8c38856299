// What a partition remembers of its producers, so that a retry gets the first receipt (rule L3b).
//
// What came since the last merge is in memory; merge() moves it to LMDB, where older requests are
// looked up when one is retried. So memory holds a number for each producer lately seen, and the
// places of the requests of some 65,536 records, however many producers and requests there are.
// Of whoever prepares or merges, except covered().
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "skald/event_store.h"
#include "store/lmdb/env.h"

namespace skald::store {

// Consecutive sequences whose records lie one behind the other.
struct SequenceRange {
    std::uint64_t sequence = 0;
    std::uint64_t offset = 0;  // of the first record
    std::uint32_t requests = 0;
    std::uint32_t records = 0;  // in each
    bool operator==(const SequenceRange&) const = default;
};
static_assert(sizeof(SequenceRange) == 24);

// Where a request's records lie.
struct Written {
    Offset first;
    std::uint32_t records = 0;
    bool operator==(const Written&) const = default;
};

class ProducerTable {
  public:
    explicit ProducerTable(lmdb::Env& env, lmdb::Database database);

    enum class Verdict : std::uint8_t { fresh, repeated, already_rejected, gap, fenced, forgotten };
    struct Judged {
        Verdict verdict = Verdict::fresh;
        Written written;             // when repeated
        std::uint64_t expected = 0;  // when gap: the sequence that should have come
        Epoch epoch{0};              // when fenced: the epoch that rules
    };
    // Any of a producer's last limits::kProducerRequestsMax sequences is remembered.
    Result<Judged> judge(const Producer& producer);
    // The request's fate, in the order of its sequences.
    Result<void> wrote(const Producer& producer, Offset first, std::uint32_t records);
    Result<void> rejected(const Producer& producer);

    // The highest token seen under a fence's name, 0 for none.
    Result<std::uint64_t> fence(std::string_view name);
    void raise_fence(std::string_view name, std::uint64_t token);

    // Everything below is in LMDB: the log from here on must be replayed at start.
    Result<Offset> covered() const;
    // At start: merges are due from here on.
    void begin_at(Offset covered) { merged_ = covered; }
    bool dirty() const { return !dirty_.empty() || !dirty_fences_.empty(); }
    // Enough has changed, in memory or in the log that would have to be replayed.
    bool merge_due(Offset end) const;
    // Puts up to some `bytes_max` of changes into the transaction; with the last of them, that
    // `upto` is covered. Returns what counts as put: small values count for more than their bytes.
    Result<std::size_t> merge(lmdb::WriteTxn& txn, Offset upto, std::size_t bytes_max);
    // Any thread.
    std::size_t owned_bytes() const;

  private:
    struct Entry {
        Epoch epoch{0};
        std::uint64_t last = 0;  // sequence, written or rejected
        bool any = false;        // `last` means something
        bool dirty = false;
        bool outdated = false;             // the ranges in LMDB are of an epoch before
        std::vector<SequenceRange> fresh;  // not yet in LMDB, rising
        std::list<Uuid>::iterator age;     // unless dirty
    };
    Result<Entry*> find(const Uuid& id);
    Result<std::optional<Written>> find_written(const Uuid& id, const Entry& entry,
                                                std::uint64_t sequence) const;
    void begin_epoch(const Uuid& id, Entry& entry, Epoch epoch);
    void remember(Entry& entry, const SequenceRange& one);
    void touch(const Uuid& id, Entry& entry);
    void evict();
    Result<std::size_t> merge_producer(lmdb::WriteTxn& txn, const Uuid& id, Entry& entry);

    lmdb::Env& env_;
    lmdb::Database database_;
    std::unordered_map<Uuid, Entry> producers_;
    std::list<Uuid> ages_;  // clean ones, least recently used first
    std::deque<Uuid> dirty_;
    std::atomic<std::size_t> fresh_ranges_{0};
    std::atomic<std::size_t> in_memory_{0};  // producers_.size()
    struct KnownFence {
        std::uint64_t token = 0;
        bool dirty = false;
    };
    std::map<std::string, KnownFence, std::less<>> fences_;
    std::deque<std::string> dirty_fences_;
    Offset merged_;  // up to where, by the last complete merge
};

}  // namespace skald::store
