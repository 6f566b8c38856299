#include "cqrs/live_hub.h"

#include <fmt/format.h>

#include <algorithm>

#include "cqrs/limits.h"
#include "cqrs/model_core.h"
#include "cqrs/model_trees.h"

namespace skald::cqrs {

LiveHub::Turn::Turn(LiveHub& hub, std::uint32_t version)
    : hub_(hub), version_(version), lock_(hub.turn_) {
    for (LiveFeed* feed : hub_.feeds_) {
        if (feed->is_of(version)) {
            feeds_.push_back(feed);
        }
    }
}

LiveHub::Turn::~Turn() {
    for (LiveFeed* feed : feeds_) {
        feed->undone();
    }
}

void LiveHub::Turn::changed(std::string_view key, std::optional<std::string_view> before,
                            std::optional<std::string_view> after) {
    for (LiveFeed* feed : feeds_) {
        feed->changed(key, before, after);
    }
}

void LiveHub::Turn::committed(const Position& position) {
    for (LiveFeed* feed : feeds_) {
        feed->committed(position);
    }
    for (LiveFeed* feed : hub_.feeds_) {
        feed->wake();  // the version may be complete now
    }
}

void LiveHub::Turn::emptied() {
    for (LiveFeed* feed : feeds_) {
        feed->interrupt(Resync::rebuilding);
    }
}

void LiveHub::Turn::replaced() {
    for (LiveFeed* feed : hub_.feeds_) {
        if (feed->version() == 0) {
            feed->interrupt(Resync::other_version);
        } else {
            feed->wake();
        }
    }
}

Result<LiveSnapshot<std::string>> LiveHub::begin(LiveFeed& feed, const RowQuery& query) {
    const std::shared_lock reading(reading_);
    if (core_ == nullptr) {
        return Error(Errc::shutting_down, "the read model is closed");
    }
    auto view = core_->follow(feed, query);
    if (!view) {
        return view.error();
    }
    auto rows = scan_all(ModelTrees(*view), query);
    auto position =
        view->version->progress.position_of(view->checkpoint.commits, view->checkpoint.token);
    if (!rows || !position) {
        return !rows ? rows.error() : position.error();
    }
    return LiveSnapshot<std::string>{std::move(*rows), **position, view->version->number};
}

Result<void> LiveHub::join(LiveFeed& feed, LiveRange range) {
    if (std::find(feeds_.begin(), feeds_.end(), &feed) == feeds_.end()) {
        if (feeds_.size() >= limits::kLiveQueriesMax) {
            return Error(Errc::busy, fmt::format("the read model has {} live queries; close one",
                                                 feeds_.size()));
        }
        feeds_.push_back(&feed);
    }
    feed.join(std::move(range));
    return {};
}

void LiveHub::leave(LiveFeed& feed) {
    const std::scoped_lock lock(turn_);
    feeds_.erase(std::remove(feeds_.begin(), feeds_.end(), &feed), feeds_.end());
}

void LiveHub::close() {
    const std::unique_lock reading(reading_);
    core_ = nullptr;
    const std::scoped_lock lock(turn_);
    for (LiveFeed* feed : feeds_) {
        feed->end(Error(Errc::shutting_down, "the read model is closed"));
    }
}

}  // namespace skald::cqrs
