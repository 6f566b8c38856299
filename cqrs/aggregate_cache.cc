#include "cqrs/aggregate_cache.h"

namespace skald::cqrs {
namespace {

bool tells_more(const Aggregate& aggregate, const Aggregate& kept) {
    return *aggregate.version > *kept.version ||
           (*aggregate.version == *kept.version && aggregate.since_snapshot < kept.since_snapshot);
}

}  // namespace

Aggregate copy_of(const Aggregate& aggregate) {
    return {aggregate.state->copy(), aggregate.version, aggregate.last_id, aggregate.commands,
            aggregate.since_snapshot};
}

std::optional<Aggregate> AggregateCache::get(const std::string& stream) {
    std::shared_ptr<const Aggregate> found;
    {
        const std::lock_guard lock(mutex_);
        const auto at = by_stream_.find(stream);
        if (at == by_stream_.end()) {
            return std::nullopt;
        }
        order_.splice(order_.begin(), order_, at->second);
        found = at->second->aggregate;
    }
    return copy_of(*found);
}

void AggregateCache::put(const std::string& stream, const Aggregate& aggregate) {
    if (capacity_ == 0 || !aggregate.version || aggregate.last_id.is_nil()) {
        return;
    }
    std::unique_lock lock(mutex_);
    if (const auto at = by_stream_.find(stream);
        at != by_stream_.end() && !tells_more(aggregate, *at->second->aggregate)) {
        order_.splice(order_.begin(), order_, at->second);
        return;
    }
    lock.unlock();
    auto kept = std::make_shared<const Aggregate>(copy_of(aggregate));
    lock.lock();
    if (const auto at = by_stream_.find(stream); at != by_stream_.end()) {
        order_.splice(order_.begin(), order_, at->second);
        if (tells_more(aggregate, *at->second->aggregate)) {
            at->second->aggregate = std::move(kept);
        }
        return;
    }
    if (order_.size() == capacity_) {
        by_stream_.erase(order_.back().stream);
        order_.pop_back();
    }
    order_.push_front({stream, std::move(kept)});
    by_stream_.emplace(order_.front().stream, order_.begin());
}

void AggregateCache::drop(const std::string& stream) {
    const std::lock_guard lock(mutex_);
    if (const auto at = by_stream_.find(stream); at != by_stream_.end()) {
        const auto entry = at->second;
        by_stream_.erase(at);
        order_.erase(entry);
    }
}

}  // namespace skald::cqrs
