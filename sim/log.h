// A log as the simulator keeps it: batches of numbered events, chained as real ones are.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "broker/replication/effects.h"

namespace skald::sim {

using EventId = std::uint64_t;

struct Batch {
    broker::replication::BatchHead head;
    std::vector<EventId> events;  // none: a barrier, which takes one offset
};
using BatchPtr = std::shared_ptr<const Batch>;

class Log final : public broker::replication::LogView {
  public:
    Offset start() const override { return {}; }
    Offset end() const override { return end_; }
    const broker::replication::EpochEnds& epochs() const override { return epochs_; }
    std::optional<wire::ChainHash> chain_at(Offset offset) const override;

    // The next batch, with these events or as a barrier.
    BatchPtr make(Epoch epoch, std::vector<EventId> events) const;
    void append(const BatchPtr& batch);
    void cut(Offset end);
    // From the offset on, where one begins; so many at most.
    std::vector<BatchPtr> from(Offset offset, std::size_t at_most) const;
    const std::vector<BatchPtr>& batches() const { return batches_; }
    // Events, barriers not counted: the version of the next.
    std::uint64_t events() const { return places_.size(); }
    std::optional<Offset> find(EventId id) const;

  private:
    std::vector<BatchPtr>::const_iterator at(Offset offset) const;
    std::vector<BatchPtr> batches_;
    broker::replication::EpochEnds epochs_;
    std::unordered_map<EventId, Offset> places_;
    Offset end_;
};

}  // namespace skald::sim
