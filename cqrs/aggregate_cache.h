// Hot aggregates in memory. What it gives may be old: the loader checks it against the stream.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "skald/cqrs/aggregate_store.h"

namespace skald::cqrs {

Aggregate copy_of(const Aggregate& aggregate);

class AggregateCache {
  public:
    explicit AggregateCache(std::size_t capacity) : capacity_(capacity) {}

    std::optional<Aggregate> get(const std::string& stream);
    // Keeps a copy, unless one is there that says as much. What was not used for longest goes.
    void put(const std::string& stream, const Aggregate& aggregate);
    void drop(const std::string& stream);

  private:
    struct Entry {
        std::string stream;
        std::shared_ptr<const Aggregate> aggregate;
    };
    using Order = std::list<Entry>;

    const std::size_t capacity_;
    std::mutex mutex_;  // guards all below
    Order order_;       // used last first
    std::unordered_map<std::string_view, Order::iterator> by_stream_;
};

}  // namespace skald::cqrs
