// The events that one version of a read model has put aside, in order: none passes an earlier one
// that shares a key with it.
//
//     ParkedEvent::key as text (key.h), u64 number big endian -> ParkedEvent as JSON
//
// What is added, changed and removed is written with the next batch, in the order of changes().
//
// Threads: one.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/cqrs/poison.h"
#include "store/lmdb/env.h"

namespace skald::cqrs {

class ParkedEvents {
  public:
    struct Numbered {
        std::uint64_t number = 0;
        ParkedEvent event;
    };

    ParkedEvents() = default;
    explicit ParkedEvents(const std::vector<Numbered>& stored);

    // Where entries of a key begin.
    static std::string prefix_of(std::string_view key);
    // corrupt when it is no parked event; so do the next two.
    static Result<Numbered> decode(std::string_view entry, std::string_view json);

    // From LMDB.
    static Result<ParkedEvents> load(const store::lmdb::Txn& txn, store::lmdb::Database database);
    // Of one key, or of all when it is empty; from the first, at most `limit`. Reads what is
    // stored.
    static Result<std::vector<Numbered>> list(const store::lmdb::Txn& txn,
                                              store::lmdb::Database database, std::string_view key,
                                              std::size_t limit);

    // Whether one that is parked has one of the keys.
    bool holds(const std::vector<std::string>& keys) const;
    bool full(const std::vector<std::string>& keys) const;
    // A key of it that an earlier one has; null when it is the first of all its keys.
    const std::string* waits_for(const Numbered& event) const;
    std::uint64_t size() const { return size_; }

    void add(const ParkedEvent& event);
    void change(const Numbered& event);
    // It waits for none.
    void remove(const Numbered& event);
    struct Change {
        std::string entry;
        std::optional<ParkedEvent> event;  // none: removed
    };
    bool changed() const { return !changes_.empty(); }
    const std::vector<Change>& changes() const { return changes_; }
    Result<void> write(store::lmdb::WriteTxn& txn, store::lmdb::Database database) const;
    void written() { changes_.clear(); }

  private:
    void hold(const Numbered& event);

    // The numbers of those that have a key, in order.
    std::map<std::string, std::deque<std::uint64_t>> keys_;
    std::uint64_t size_ = 0;
    std::uint64_t next_ = 0;
    std::vector<Change> changes_;
};

}  // namespace skald::cqrs
