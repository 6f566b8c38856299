#include "cqrs/applier.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/glob.h"
#include "cqrs/handling.h"
#include "cqrs/limits.h"
#include "cqrs/position_order.h"

namespace skald::cqrs {
namespace {

// Not the event's doing: another event would fail too.
bool is_ours(const Error& error) {
    const ErrorClass its = class_of(error.code);
    return its == ErrorClass::storage || its == ErrorClass::unavailable;
}

// As it is stored: text, of which a character is kept whole or not at all.
std::string reason_of(const Error& error) {
    std::string text(utf8_prefix(error.message, limits::kFailureTextMax));
    if (!is_utf8(text)) {
        std::replace_if(
            text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7f; },
            '?');
    }
    return text;
}

// Behind the first `count` of a delivery.
Position behind_first(const Position& before, std::span<const EventView> events, std::size_t count,
                      const Position& after) {
    Position position = before;
    for (const EventView& event : events.first(count)) {
        position = behind(position, event, after);
    }
    return position;
}

}  // namespace

Applier::Applier(ProjectionTarget& target, const Poison& poison)
    : target_(target), progress_(target.work().progress), poison_(poison) {}

Result<void> Applier::begin(std::uint64_t term) {
    events_ = 0;
    begun_.reset();
    auto committed = target_.begin(term);
    if (!committed) {
        return committed.error();
    }
    position_ = committed_ = std::move(committed->position);
    parked_ = std::move(committed->parked);
    complete_ = committed->complete;
    return {};
}

Applier::ParkKeys Applier::keys_of(const EventView& event) const {
    ParkKeys keys;
    keys.all = poison_.keys ? poison_.keys(event) : std::vector{std::string(event.stream)};
    for (std::string& key : keys.all) {
        key.resize(utf8_prefix(key, limits::kParkKeyBytesMax).size());
    }
    if (keys.all.empty()) {
        keys.listed = utf8_prefix(fmt::format("stream:{}", event.stream), limits::kParkKeyBytesMax);
        return keys;
    }
    keys.listed = keys.all.front();
    std::sort(keys.all.begin(), keys.all.end());
    keys.all.erase(std::unique(keys.all.begin(), keys.all.end()), keys.all.end());
    return keys;
}

std::optional<Failure> Applier::park(const EventView& event, ParkKeys keys, const Error* reason) {
    if (parked_.full(keys.all)) {
        const Error full(Errc::request_too_large,
                         fmt::format("{} events are parked; replay some", parked_.size()));
        return Failure{at_event(event, full), false, event.partition, event.offset, false};
    }
    ParkedEvent parked{std::move(keys.listed),
                       std::move(keys.all),
                       std::string(event.stream),
                       event.version,
                       event.partition,
                       event.offset,
                       std::string(event.type),
                       {},
                       0};
    if (reason != nullptr) {
        parked.reason = reason_of(*reason);
        parked.attempts = 1;
        progress_.note_error(at_event(event, *reason));
    }
    parked_.add(parked);
    return std::nullopt;
}

std::optional<Failure> Applier::apply_one(const EventView& event) {
    if (!target_.handles(event.type)) {
        return std::nullopt;
    }
    ++events_;
    const bool parks = poison_.policy == Poison::Policy::park;
    ParkKeys keys;
    if (parks) {
        keys = keys_of(event);
        if (parked_.holds(keys.all)) {
            return park(event, std::move(keys), nullptr);
        }
    }
    auto ok = target_.open_batch();
    if (!ok) {
        --events_;
        return Failure{ok.error(), false, event.partition, event.offset, false};
    }
    ok = target_.handle(event);
    if (ok) {
        return std::nullopt;
    }
    if (parks && !is_ours(ok.error())) {
        return park(event, std::move(keys), &ok.error());
    }
    --events_;
    return Failure{at_event(event, ok.error()), !is_ours(ok.error()), event.partition, event.offset,
                   false};
}

bool Applier::is_held_up(const EventView& event) const {
    return poison_.policy == Poison::Policy::park && parked_.size() != 0 &&
           parked_.holds(keys_of(event).all);
}

bool Applier::apply_in_lanes(std::span<const EventView> events) {
    if (!target_.wants_lanes(events.size())) {
        return false;
    }
    handled_.clear();
    for (const EventView& event : events) {
        if (!target_.handles(event.type)) {
            continue;
        }
        if (is_held_up(event)) {
            return false;
        }
        handled_.push_back(&event);
    }
    if (!target_.in_lanes(handled_)) {
        return false;
    }
    events_ += handled_.size();
    return true;
}

std::size_t Applier::apply_in_order(std::span<const EventView> events,
                                    std::optional<Failure>& failure) {
    std::size_t done = 0;
    while (done < events.size() && !target_.full()) {
        failure = apply_one(events[done]);
        if (failure) {
            break;
        }
        ++done;
    }
    return done;
}

std::size_t Applier::apply_some(std::span<const EventView> events,
                                std::optional<Failure>& failure) {
    std::size_t done = 0;
    while (done < events.size() && !failure && !target_.full()) {
        const auto some =
            events.subspan(done, std::min(events.size() - done, limits::kLaneEventsMax));
        done += apply_in_lanes(some) ? some.size() : apply_in_order(some, failure);
    }
    return done;
}

std::optional<Failure> Applier::apply(std::span<const EventView> events, const Position& after) {
    if (!begun_) {
        begun_ = target_.clock().monotonic();
    }
    std::optional<Failure> failure;
    for (std::size_t done = apply_some(events, failure); done < events.size();
         done = apply_some(events, failure)) {
        auto ok = commit_at(behind_first(position_, events, done, after));
        if (!ok) {
            return Failure{ok.error(), false, events[done].partition, events[done].offset, false};
        }
        if (failure) {
            return failure;
        }
        events = events.subspan(done);
    }
    target_.end_reading();
    position_ = after;
    return std::nullopt;
}

void Applier::advance(const Position& position) {
    position_ = position;
}

bool Applier::due() const {
    return events_ >= limits::kProjectBatchEvents || target_.due() ||
           (begun_ && target_.clock().monotonic() - *begun_ >= limits::kProjectBatchTime) ||
           left_between(committed_, position_) >= limits::kCheckpointEvents;
}

Result<void> Applier::commit(bool complete) {
    const bool nothing = target_.empty() && !parked_.changed() && (!complete || complete_);
    if (nothing && left_between(committed_, position_) < limits::kCheckpointEvents) {
        progress_.skipped(position_);
        begun_.reset();
        return {};
    }
    complete_ = complete_ || complete;
    return commit_at(Position(position_));
}

Result<void> Applier::commit_at(const Position& position) {
    auto ok = target_.commit({&parked_, position, events_, complete_});
    if (!ok) {
        return ok;
    }
    position_ = committed_ = position;
    parked_.written();
    events_ = 0;
    begun_.reset();
    return {};
}

Result<bool> Applier::replay(const ParkedEvents::Numbered& parked, const EventView& event) {
    if (const std::string* key = parked_.waits_for(parked)) {
        const Error waits(Errc::not_ready,
                          fmt::format("it waits behind another that is parked and holds up `{}`: "
                                      "replay that one first",
                                      *key));
        replay_error_ = at_event(event, waits);
        return false;
    }
    auto ok = target_.open_batch();
    if (!ok) {
        return ok.error();
    }
    ok = target_.handle(event);
    if (ok) {
        parked_.remove(parked);
        return true;
    }
    if (is_ours(ok.error())) {
        return ok.error();
    }
    ParkedEvents::Numbered again = parked;
    again.event.reason = reason_of(ok.error());
    ++again.event.attempts;
    parked_.change(again);
    replay_error_ = at_event(event, ok.error());
    return false;
}

}  // namespace skald::cqrs
