// Events applied to what a projector works on, batch after batch: the part of it without threads.
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cqrs/projection_target.h"
#include "skald/cqrs/poison.h"

namespace skald::cqrs {

// Why the events do not go on. What came before the event is committed.
struct Failure {
    Error error;
    bool poison = false;  // the event's own: the policy answers
    Partition partition;  // of the event, like the next
    Offset offset;
    bool standstill = false;  // for as long as its version is held
};

class Applier {
  public:
    // Both outlive it.
    Applier(ProjectionTarget& target, const Poison& poison);

    // Forgets the open batch and goes back to what is committed.
    Result<void> begin(std::uint64_t term);
    // Behind everything applied.
    const Position& position() const { return position_; }

    // `after`: behind the last of them.
    std::optional<Failure> apply(std::span<const EventView> events, const Position& after);
    // Nothing up to here is to be applied.
    void advance(const Position& position);
    // The batch has reached a bound.
    bool due() const;
    // `complete`: the end of the log was reached. Runs effects after it.
    Result<void> commit(bool complete);
    // Of parked events, as they were stored. False when it failed again, or waits for another; the
    // rest waits behind it.
    Result<bool> replay(const ParkedEvents::Numbered& parked, const EventView& event);
    // Of the last failure of a replay.
    const Error& replay_error() const { return replay_error_; }

  private:
    struct ParkKeys {
        std::string listed;            // the first
        std::vector<std::string> all;  // sorted, each once
    };

    std::optional<Failure> apply_one(const EventView& event);
    // Until one fails or the batch is full; how many.
    std::size_t apply_some(std::span<const EventView> events, std::optional<Failure>& failure);
    std::size_t apply_in_order(std::span<const EventView> events, std::optional<Failure>& failure);
    // All, or none.
    bool apply_in_lanes(std::span<const EventView> events);
    bool is_held_up(const EventView& event) const;
    std::optional<Failure> park(const EventView& event, ParkKeys keys, const Error* reason);
    ParkKeys keys_of(const EventView& event) const;
    Result<void> commit_at(const Position& position);

    ProjectionTarget& target_;
    ModelProgress& progress_;
    const Poison& poison_;
    ParkedEvents parked_;
    std::vector<const EventView*> handled_;  // by lanes, for a moment
    Position position_;
    Position committed_;
    std::uint64_t events_ = 0;        // since the last commit
    bool complete_ = false;           // as committed
    std::optional<Monotonic> begun_;  // the open batch
    Error replay_error_;
};

}  // namespace skald::cqrs
