// What a partition remembers of its producers, so that a retry gets the first receipt (rule L3b).
// Newest changes live in memory; merge() writes them to LMDB; what is not in memory is read from
// there. The writer's thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

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

struct ProducerState {
    Epoch epoch{0};
    std::uint64_t last = 0;             // sequence, written or rejected
    bool any = false;                   // `last` means something
    std::deque<SequenceRange> written;  // rising, at most limits::kProducerRequestsMax requests
    std::uint64_t remembered = 0;       // requests in `written`

    bool operator==(const ProducerState&) const = default;
};

// Where a request's records lie.
struct Written {
    Offset first;
    std::uint32_t records = 0;
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
    Result<Judged> judge(const Producer& producer);
    // The request's fate, in the order of its sequences.
    Result<void> wrote(const Producer& producer, Offset first, std::uint32_t records);
    Result<void> rejected(const Producer& producer);

    // The highest token seen under a fence's name, 0 for none.
    Result<std::uint64_t> fence(std::string_view name);
    void raise_fence(std::string_view name, std::uint64_t token);

    // Everything below is in LMDB: the log from here on must be replayed at start.
    Result<Offset> covered() const;
    bool dirty() const { return !dirty_.empty() || !dirty_fences_.empty(); }
    // Enough has changed, in memory or in the log that would have to be replayed.
    bool merge_due(Offset end) const;
    // Puts up to `bytes_max` of changes into the transaction; with the last of them, that `upto` is
    // covered. Returns the bytes put.
    Result<std::size_t> merge(lmdb::WriteTxn& txn, Offset upto, std::size_t bytes_max);
    std::size_t owned_bytes() const;

  private:
    struct Entry {
        ProducerState state;
        bool dirty = false;
        std::list<Uuid>::iterator age;
    };
    Result<Entry*> find(const Uuid& id);
    void touch(const Uuid& id, Entry& entry);
    void evict();

    lmdb::Env& env_;
    lmdb::Database database_;
    std::unordered_map<Uuid, Entry> producers_;
    std::list<Uuid> ages_;  // least recently used first
    std::deque<Uuid> dirty_;
    std::map<std::string, std::uint64_t, std::less<>> fences_;
    std::deque<std::string> dirty_fences_;
    Offset merged_;  // up to where, by the last complete merge
};

}  // namespace skald::store
