// The events that one version of a read model has put aside, by key and in order.
//
//     key as text (key.h), u64 number big endian -> ParkedEvent as JSON
//
// What is added, changed and removed is written with the next batch.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

    // corrupt when what is stored is no parked event.
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
    bool changed() const { return !changes_.empty(); }
    Result<void> write(store::lmdb::WriteTxn& txn, store::lmdb::Database database) const;
    void written() { changes_.clear(); }

  private:
    std::map<std::string, std::uint64_t, std::less<>> keys_;  // how many
    std::uint64_t size_ = 0;
    std::uint64_t next_ = 0;
    std::vector<std::pair<std::string, std::optional<ParkedEvent>>> changes_;
};

}  // namespace skald::cqrs
