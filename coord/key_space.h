// The state of a coordination store as a pure core: transactions, leases and what time it is go in;
// answers, and changes to be kept, come out.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "skald/coord.h"

namespace skald::coord {

// The changes of one revision.
struct Revised {
    Revision revision;
    std::vector<Change> changes;  // a key once, in the order of keys
    bool operator==(const Revised&) const = default;
};

// What is to be kept of a step before its answer is given.
struct Effects {
    std::optional<Revised> revised;
    struct Granted {
        LeaseId lease;
        std::chrono::milliseconds ttl;
    };
    std::optional<Granted> granted;
    std::vector<LeaseId> ended;
    bool any() const { return revised || granted || !ended.empty(); }
};

// One thread at a time.
class KeySpace {
  public:
    // As it was kept. Leases begin anew.
    struct Kept {
        std::vector<Entry> entries;
        std::vector<Effects::Granted> leases;
        Revision revision;
        LeaseId last_lease;
    };
    KeySpace(Kept kept, Monotonic now);

    Revision revision() const { return revision_; }
    std::vector<Entry> list(const KeyRange& keys) const;
    Result<Listing> get(const KeyRange& keys) const;
    // Errors as of Coord; then nothing has changed.
    Result<TxnResult> txn(const Txn& txn, Effects& effects);
    Result<LeaseId> grant(std::chrono::milliseconds ttl, Monotonic now, Effects& effects);
    Result<void> keep_alive(LeaseId lease, Monotonic now);
    Result<void> revoke(LeaseId lease, Effects& effects);
    // Ends leases whose time is over; together they are one revision.
    void tick(Monotonic now, Effects& effects);
    std::optional<Monotonic> next_tick() const;

    // What came at or behind a revision, of these keys; nullopt: it is forgotten.
    std::optional<std::vector<Revised>> since(Revision from, const KeyRange& keys) const;
    // The oldest revision that is remembered, with all behind it.
    Revision oldest() const { return history_.empty() ? revision_ + 1 : history_.front().revision; }

  private:
    Result<void> find(const KeyRange& keys, std::vector<Entry>& found, std::size_t& bytes) const;
    struct Lease {
        std::chrono::milliseconds ttl{0};
        Monotonic ends{};
        std::set<std::string> keys;
    };
    using Entries = std::map<std::string, Entry, std::less<>>;
    using Leases = std::map<LeaseId, Lease>;

    bool holds(const Compare& compare) const;
    Result<void> check(const std::vector<Operation>& branch) const;
    void put(const Put& put, Revised& revised);
    void erase(Entries::iterator it, Revised& revised);
    void end(Leases::iterator it, Revised& revised, Effects& effects);
    void remember(Revised revised, Effects& effects);

    Entries entries_;
    Leases leases_;
    std::set<std::pair<Monotonic, LeaseId>> ends_;
    LeaseId last_lease_;
    Revision revision_;
    std::size_t bytes_ = 0;  // of keys and values
    std::deque<Revised> history_;
    std::size_t history_bytes_ = 0;
};

}  // namespace skald::coord
