#include "sim/ledger.h"

#include <fmt/format.h>

#include <algorithm>

namespace skald::sim {

// The chain stands for all that is below it.
void Ledger::committed(const Log& log, Offset end) {
    const Offset both = std::min(end, log_.end());
    const auto ours = log_.chain_at(both);
    if (!ours || log.chain_at(both) != ours) {
        return fail(fmt::format("I8: a node commits other records below offset {} than others did",
                                both.value));
    }
    for (const BatchPtr& batch : log.from(log_.end(), log.batches().size())) {
        if (batch->head.base >= end) {
            break;
        }
        for (const EventId event : batch->events) {
            if (log_.find(event)) {
                fail(fmt::format("I2: event {} is committed twice", event));
            }
            if (refused_.contains(event)) {
                fail(fmt::format("I9: event {} was refused, and is committed", event));
            }
        }
        log_.append(batch);
    }
}

void Ledger::opened(Epoch epoch, const Member& by, const Log& log) {
    const auto [it, first] = openers_.emplace(epoch, by);
    if (!first) {
        fail(fmt::format("I5: epoch {} is opened twice", epoch.value));
    }
    if (openers_.rbegin()->first != epoch) {
        return;  // its log may lack what a later epoch committed: it will commit nothing itself
    }
    if (log.end() < log_.end() || log.chain_at(log_.end()) != log_.chain_at(log_.end())) {
        fail(fmt::format("I1: epoch {} is opened without all that is committed: up to {} of {}",
                         epoch.value, log.end().value, log_.end().value));
    }
}

void Ledger::acknowledged(EventId event, Offset offset) {
    const auto found = log_.find(event);
    if (found != offset) {
        fail(fmt::format("I1: event {} was acknowledged at offset {}, and is {}", event,
                         offset.value, found ? "elsewhere" : "not committed"));
    }
    acknowledged_.emplace(event, offset);
    acknowledged_below_ = std::max(acknowledged_below_, offset + 1);
}

void Ledger::refused(EventId event, std::uint64_t expected) {
    if (log_.find(event)) {
        fail(fmt::format("I9: event {} was refused, and is committed", event));
    }
    if (log_.events() <= expected) {
        fail(fmt::format("I9: event {} was refused for one at version {} that is not committed",
                         event, expected));
    }
    refused_.insert(event);
}

void Ledger::read(Offset floor, Offset end) {
    ++reads_;
    if (end < floor) {
        fail(fmt::format("I6: a read saw all below offset {}; {} was acknowledged before it began",
                         end.value, floor.value));
    }
}

}  // namespace skald::sim
