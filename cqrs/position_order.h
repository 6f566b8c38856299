// Positions by their offsets alone: for one log, whose lineages a store vouches for.
//
// Threads: any.
#pragma once

#include <cstdint>

#include "skald/event.h"
#include "skald/event_store.h"
#include "skald/position.h"

namespace skald::cqrs {

// Everything before `wanted` is before `at`.
bool covers(const Position& at, const Position& wanted);
// False when a partition that both name is of another lineage in each: only the store can tell
// then whether the log of one went on as the log of the other.
bool same_lineage(const Position& at, const Position& wanted);
// How many offsets `at` is short of `wanted`, in all partitions together.
std::uint64_t left_between(const Position& at, const Position& wanted);
// The event stands before `at`.
bool is_past(const Position& at, Partition partition, Offset offset);
// Just behind `event`, when `before` is where its delivery began and `after` where it ends.
Position behind(const Position& before, const EventView& event, const Position& after);

// The store's word on whether a position is of its log.
Result<void> check_position(EventStore& store, const Position& position);
// The log does not reach the position, or never had it.
bool is_untrusted(const Error& error);

}  // namespace skald::cqrs
