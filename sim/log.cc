#include "sim/log.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace skald::sim {
namespace {

void mix(std::uint64_t& state, std::uint64_t value) {
    state = (state ^ value) * 0x9FB2'1C65'1E98'DF25;
    state ^= state >> 32;
}

wire::ChainHash chain_of(const wire::ChainHash& before, Epoch epoch,
                         const std::vector<EventId>& events) {
    std::uint64_t halves[2];
    std::memcpy(halves, before.data(), sizeof halves);
    mix(halves[0], epoch.value);
    mix(halves[1], events.size() + 1);
    for (const EventId id : events) {
        mix(halves[0], id);
        mix(halves[1], halves[0]);
    }
    wire::ChainHash chain;
    std::memcpy(chain.data(), halves, sizeof halves);
    return chain;
}

}  // namespace

std::vector<BatchPtr>::const_iterator Log::at(Offset offset) const {
    return std::lower_bound(
        batches_.begin(), batches_.end(), offset,
        [](const BatchPtr& batch, Offset wanted) { return batch->head.base < wanted; });
}

std::optional<wire::ChainHash> Log::chain_at(Offset offset) const {
    if (offset == end_) {
        return batches_.empty() ? wire::ChainHash{} : batches_.back()->head.chain;
    }
    const auto it = at(offset);
    return it != batches_.end() && (*it)->head.base == offset
               ? std::optional((*it)->head.chain_before)
               : std::nullopt;
}

BatchPtr Log::make(Epoch epoch, std::vector<EventId> events) const {
    auto batch = std::make_shared<Batch>();
    const wire::ChainHash before = *chain_at(end_);
    const std::uint64_t records = std::max<std::size_t>(events.size(), 1);
    batch->head = {end_, end_ + records, epoch, before, chain_of(before, epoch, events)};
    batch->events = std::move(events);
    return batch;
}

void Log::append(const BatchPtr& batch) {
    SKALD_CHECK(batch->head.base == end_ && *chain_at(end_) == batch->head.chain_before,
                "a batch continues the log");
    epochs_.began(batch->head.epoch, end_);
    for (std::size_t i = 0; i < batch->events.size(); ++i) {
        places_.emplace(batch->events[i], end_ + i);
    }
    end_ = batch->head.end;
    batches_.push_back(batch);
}

void Log::cut(Offset end) {
    while (!batches_.empty() && batches_.back()->head.base >= end) {
        for (const EventId id : batches_.back()->events) {
            places_.erase(id);
        }
        end_ = batches_.back()->head.base;
        batches_.pop_back();
    }
    SKALD_CHECK(end_ <= end, "a log is cut between batches");
    epochs_.cut(end_);
}

std::vector<BatchPtr> Log::from(Offset offset, std::size_t at_most) const {
    const auto first = at(offset);
    const auto left = static_cast<std::size_t>(batches_.end() - first);
    return {first, first + static_cast<std::ptrdiff_t>(std::min(left, at_most))};
}

std::optional<Offset> Log::find(EventId id) const {
    const auto it = places_.find(id);
    return it == places_.end() ? std::nullopt : std::optional(it->second);
}

}  // namespace skald::sim
