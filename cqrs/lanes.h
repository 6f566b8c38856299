// Events of a projection handled on several threads at once, to the same effect as one after the
// other.
//
// Each lane has the events of its keys, in order, and handles them against the rows as they are and
// what it changed itself. When none changed what another read or changed, every handler found what
// it would have found in the order of the log, and the changes are put together. Else, or when one
// failed, they are thrown away: whoever asked handles the events one after the other.
//
// Threads: one at a time; it has others of its own, which work only while handle() does.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cqrs/lane_threads.h"
#include "cqrs/row_batch.h"
#include "skald/cqrs/projector.h"

namespace skald::cqrs {

class Lanes {
  public:
    // All outlive it. The projection has at least two lanes.
    Lanes(const AnyProjection& projection, const store::lmdb::Env& env, const ModelTables& tables,
          RowBatch& batch);

    // Whether to try with so many events. After tries that came to nothing it is false for a while.
    bool want(std::size_t events);
    // Of a batch that is not full. not_tried and undone: it is as it was.
    enum class Outcome : std::uint8_t { done, not_tried, undone };
    Outcome handle(std::span<const EventView* const> events);

  private:
    struct Lane {
        Lane(const AnyProjection& projection, const store::lmdb::Env& env,
             const ModelTables& tables, const RowBatch& below)
            : apply(projection.apply), rows(env, tables, &below) {}

        std::function<Result<void>(RowChanges&, const EventView&)> apply;
        RowBatch rows;
        std::vector<std::size_t> places;  // of its events
    };
    // False when nearly all go to one lane.
    bool split(std::span<const EventView* const> events);
    Result<void> run(Lane& lane, std::span<const EventView* const> events);
    bool collide();

    const std::function<std::string(const EventView&)> key_;
    RowBatch& batch_;
    std::deque<Lane> lanes_;  // where they are they stay
    std::size_t lane_bytes_ = 0;
    std::atomic<bool> failed_ = false;
    std::size_t rest_ = 0;  // tries left out after the last failure
    std::size_t resting_ = 0;
    LaneThreads threads_;
};

}  // namespace skald::cqrs
