// The events that one version of a read model has put aside, by key and in order.
//
//     entry: key as text (key.h), u64 number big endian -> ParkedEvent as JSON
//
// What is added, changed and removed is written with the next batch, in the order of changes().
//
// Threads: one.
#pragma once

#include <cstdint>
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

    bool holds(std::string_view key) const { return keys_.find(key) != keys_.end(); }
    bool full(std::string_view key) const;
    std::uint64_t size() const { return size_; }

    void add(const ParkedEvent& event);
    void change(const Numbered& event);
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
    std::map<std::string, std::uint64_t, std::less<>> keys_;  // how many
    std::uint64_t size_ = 0;
    std::uint64_t next_ = 0;
    std::vector<Change> changes_;
};

}  // namespace skald::cqrs
