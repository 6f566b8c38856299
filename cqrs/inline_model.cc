#include "cqrs/inline_model.h"

#include <fmt/format.h>

#include "cqrs/handling.h"
#include "cqrs/limits.h"
#include "cqrs/position_order.h"
#include "skald/cqrs/event_table.h"
#include "wire/query.h"

namespace skald::cqrs {

InlineModel::InlineModel(ModelCore& core, std::shared_ptr<ModelVersion> version,
                         AnyProjection projection, Position end)
    : core_(core),
      version_(std::move(version)),
      projection_(std::move(projection)),
      batch_(core.env(), version_->tables),
      checkpoint_(std::move(end)) {}

bool InlineModel::takes(const EventView& event) const {
    return projection_.handles(event.type) && wire::selects(projection_.selection, event);
}

Result<void> InlineModel::apply(std::span<const EventView> request) {
    request_events_ = 0;
    if (batch_.bytes() > limits::kInlineCommitBytes) {
        return Error(Errc::busy, fmt::format("inline projection {} has as many rows to write as a "
                                             "commit may have; try again",
                                             name()));
    }
    const std::size_t before = batch_.bytes();
    for (const EventView& event : request) {
        if (!takes(event)) {
            continue;
        }
        auto ok = apply_one(event);
        if (ok && batch_.bytes() - before > limits::kInlineRequestBytes) {
            ok = Error(
                Errc::request_too_large,
                fmt::format("one append may change {} bytes of rows", limits::kInlineRequestBytes));
        }
        if (!ok) {
            undo();
            Error refused = placed(event, ok.error());
            refused.message =
                fmt::format("inline projection {} refuses: {}", name(), refused.message);
            return refused;
        }
    }
    return {};
}

Result<void> InlineModel::apply_one(const EventView& event) {
    if (request_events_++ == 0) {
        batch_.begin_event(event.partition, event.offset);  // all of the request is undone as one
    }
    ++events_;
    return guarded([&] { return projection_.apply(batch_, event); });
}

void InlineModel::undo() {
    if (request_events_ != 0) {
        batch_.undo_event();
        events_ -= std::exchange(request_events_, 0);
    }
}

Result<void> InlineModel::write(store::lmdb::WriteTxn& txn, const Position& end) {
    batch_.end_reading();
    commit_ = {&batch_, nullptr, end, events_, true, 0};
    if (batch_.empty() && left_between(checkpoint_, end) < limits::kCheckpointEvents) {
        return {};
    }
    put_.emplace();
    return core_.put(txn, *version_, commit_, *put_);
}

void InlineModel::committed() {
    if (put_) {
        ModelCore::settle(*version_, commit_, *put_);
        checkpoint_ = commit_.position;
        if (put_->active) {
            batch_.run_effects(*version_->muted_until(), version_->progress);
        }
    } else {
        version_->progress.skipped(commit_.position);
    }
    clear();
}

void InlineModel::abandoned() {
    clear();
}

void InlineModel::clear() {
    put_.reset();
    batch_.clear();
    events_ = request_events_ = 0;
}

}  // namespace skald::cqrs
