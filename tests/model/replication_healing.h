// Liveness as reachability: from a state, some of the nodes alone, with everything in flight lost,
// must be able to acknowledge another append.
#pragma once

#include "tests/model/replication_steps.h"

namespace skald::model {

// Whether nodes `with` (a mask) hold enough disks of members to elect, and are enough for min_isr.
bool is_enough(const State& state, const Setup& setup, int with);

// By a new epoch, claimed by one of them. Requires is_enough().
bool heals_by_election(const State& state, const Setup& setup, int with);

// In the epoch at hand, when its primary is one of them and knows all that remain to be caught up;
// true as well when there is no such primary.
bool goes_on(const State& state, const Setup& setup, int with);

// Whether logs and epochs of the model have room for what healing adds.
bool has_room(const State& state);

// All of that, for every mask: null, or what does not work.
const char* stuck(const State& state, const Setup& setup);

}  // namespace skald::model
