#include "cqrs/live_feed.h"

#include "cqrs/limits.h"
#include "cqrs/stored_row.h"

namespace skald::cqrs {
namespace {

std::size_t bytes_of(const LiveDelta<std::string>& delta) {
    return delta.key.size() + delta.row.size();
}

}  // namespace

std::string_view name_of(Resync why) {
    switch (why) {
        case Resync::fell_behind:
            return "fell_behind";
        case Resync::other_version:
            return "other_version";
        case Resync::rebuilding:
            return "rebuilding";
        case Resync::connection_lost:
            return "connection_lost";
    }
    return "";
}

LiveRange::LiveRange(std::uint32_t version, const RowSchema& schema, ScanPlan plan)
    : version_(version), key_(schema.key), indexes_(schema.indexes.size()), plan_(std::move(plan)) {
    if (plan_.index >= 0) {
        unique_ = schema.indexes[static_cast<std::size_t>(plan_.index)].unique;
    }
}

bool LiveRange::holds(std::string_view key, std::string_view stored) {
    if (plan_.index < 0) {
        return plan_.holds(key);
    }
    StoredRow row(stored);
    IndexedValue value = row.next_index();
    for (int i = 0; i < plan_.index; ++i) {
        value = row.next_index();
    }
    entry_ = value.bytes;
    if (!(unique_ && value.counts)) {
        entry_ += key;
    }
    return plan_.holds(entry_);
}

LiveDelta<std::string> LiveRange::delta(LiveOp op, std::string_view key,
                                        std::string_view stored) const {
    return {op, key_json(key_, key), std::string(StoredRow(stored).json(indexes_))};
}

LiveFeed::LiveFeed(std::uint32_t version, std::size_t changes_max)
    : wanted_(version), changes_max_(changes_max) {}

void LiveFeed::note(LiveOp op, std::string_view key, std::string_view stored) {
    if (open_full_) {
        return;
    }
    open_.push_back(range_->delta(op, key, stored));
    open_bytes_ += bytes_of(open_.back());
    open_full_ = open_.size() > changes_max_ || open_bytes_ > limits::kLiveBytesMax;
}

void LiveFeed::changed(std::string_view key, std::optional<std::string_view> before,
                       std::optional<std::string_view> after) {
    if (after && range_->holds(key, *after)) {
        note(LiveOp::put, key, *after);
    } else if (before && range_->holds(key, *before)) {
        note(LiveOp::removed, key, *before);
    }
}

void LiveFeed::committed(const Position& position) {
    if (open_.empty()) {
        return;
    }
    bool full = open_full_;
    {
        const std::scoped_lock lock(mutex_);
        full = full || changes_ + open_.size() > changes_max_ ||
               bytes_ + open_bytes_ > limits::kLiveBytesMax;
        if (!full && !over()) {
            changes_ += open_.size();
            bytes_ += open_bytes_;
            waiting_.push_back({std::move(open_), position, range_->version()});
        }
    }
    undone();
    if (full) {
        interrupt(Resync::fell_behind);
    }
    changed_.notify_all();
}

void LiveFeed::undone() {
    open_ = {};
    open_bytes_ = 0;
    open_full_ = false;
}

void LiveFeed::interrupt(Resync why) {
    if (!range_) {
        wake();
        return;
    }
    range_.reset();
    {
        const std::scoped_lock lock(mutex_);
        waiting_.clear();
        changes_ = 0;
        bytes_ = 0;
        resync_ = why;
    }
    changed_.notify_all();
}

void LiveFeed::wake() {
    if (range_) {
        return;
    }
    {
        const std::scoped_lock lock(mutex_);
        woken_ = true;
    }
    changed_.notify_all();
}

void LiveFeed::end(const Error& reason) {
    range_.reset();
    {
        const std::scoped_lock lock(mutex_);
        ended_ = reason;
    }
    changed_.notify_all();
}

LiveNext LiveFeed::next(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    const auto some = [&] { return over() || resync_ || !waiting_.empty(); };
    if (!changed_.wait_for(lock, wait, some) || stopped_) {
        return {};
    }
    if (ended_) {
        return *ended_;
    }
    if (resync_) {
        return *std::exchange(resync_, std::nullopt);
    }
    Deltas deltas = std::move(waiting_.front());
    waiting_.pop_front();
    changes_ -= deltas.deltas.size();
    for (const LiveDelta<std::string>& delta : deltas.deltas) {
        bytes_ -= bytes_of(delta);
    }
    return deltas;
}

void LiveFeed::begin_joining() {
    const std::scoped_lock lock(mutex_);
    woken_ = false;
}

void LiveFeed::wait_to_join(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [&] { return over() || woken_; });
}

void LiveFeed::stop() {
    {
        const std::scoped_lock lock(mutex_);
        stopped_ = true;
    }
    changed_.notify_all();
}

std::size_t LiveFeed::held() const {
    const std::scoped_lock lock(mutex_);
    return bytes_;
}

}  // namespace skald::cqrs
