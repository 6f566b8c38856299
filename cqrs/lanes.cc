#include "cqrs/lanes.h"

#include <algorithm>

#include "cqrs/byte_map.h"
#include "cqrs/handling.h"
#include "cqrs/limits.h"

namespace skald::cqrs {

Lanes::Lanes(const AnyProjection& projection, const store::lmdb::Env& env,
             const ModelTables& tables, RowBatch& batch)
    : key_(projection.lane_key), batch_(batch), threads_(projection.lanes) {
    for (unsigned i = 0; i < projection.lanes; ++i) {
        lanes_.emplace_back(projection, env, tables, batch);
    }
}

bool Lanes::want(std::size_t events) {
    if (events < 2 * limits::kLaneEventsMin) {
        return false;
    }
    const bool rests = resting_ > 0;
    resting_ -= rests ? 1 : 0;
    return !rests;
}

bool Lanes::split(std::span<const EventView* const> events) {
    for (Lane& lane : lanes_) {
        lane.places.clear();
    }
    for (std::size_t i = 0; i < events.size(); ++i) {
        const std::uint64_t hash =
            key_ ? ByteMap::hash_of(key_(*events[i])) : ByteMap::hash_of(events[i]->stream);
        lanes_[hash % lanes_.size()].places.push_back(i);
    }
    std::size_t fullest = 0;
    for (const Lane& lane : lanes_) {
        fullest = std::max(fullest, lane.places.size());
    }
    return events.size() - fullest >= limits::kLaneEventsMin;
}

Result<void> Lanes::run(Lane& lane, std::span<const EventView* const> events) {
    for (const std::size_t place : lane.places) {
        if (failed_.load(std::memory_order_relaxed)) {
            return {};
        }
        const EventView& event = *events[place];
        lane.rows.begin_event(event.partition, event.offset, place);
        if (auto ok = lane.apply(lane.rows, event); !ok) {
            return ok;
        }
        if (lane.rows.bytes() > lane_bytes_) {
            return Error(Errc::request_too_large, "more rows than fit beside those of the batch");
        }
    }
    lane.rows.end_reading();
    lane.rows.note_changed();
    return {};
}

bool Lanes::collide() {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        for (std::size_t j = i + 1; j < lanes_.size(); ++j) {
            if (lanes_[i].rows.touched().collides(lanes_[j].rows.touched())) {
                return true;
            }
        }
    }
    return false;
}

Lanes::Outcome Lanes::handle(std::span<const EventView* const> events) {
    if (!split(events)) {
        return Outcome::not_tried;
    }
    failed_ = false;
    lane_bytes_ = (limits::kProjectBytesMax - batch_.bytes()) / lanes_.size();
    threads_.run([&](std::size_t i) {
        if (!guarded([&] { return run(lanes_[i], events); })) {
            failed_ = true;
        }
    });
    const bool good = !failed_ && !collide();
    if (good) {
        std::vector<RowBatch*> changed;
        for (Lane& lane : lanes_) {
            changed.push_back(&lane.rows);
        }
        batch_.absorb(changed);
    }
    for (Lane& lane : lanes_) {
        lane.rows.clear();
    }
    rest_ = good ? 0 : std::clamp<std::size_t>(rest_ * 2, 1, limits::kLaneRestMax);
    resting_ = rest_;
    return good ? Outcome::done : Outcome::undone;
}

}  // namespace skald::cqrs
