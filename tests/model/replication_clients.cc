// R6, R7, L3, L4: what clients ask, and what they are told. A request may arrive any number of
// times at any node that takes itself for the primary.
#include <algorithm>

#include "tests/model/replication_steps.h"

namespace skald::model {
namespace {

// Events 1 and 2: a producer's first two of its epoch 1. Event 3: the first of its epoch 2.
constexpr int kNewer = 3;

bool is_older(int event) {
    return event < kNewer;
}

bool is_gap(const Log& log, int event) {
    return event == 2 && log.find(1) < 0;
}

void append_step(const State& state, const Setup& setup, Steps& steps, int i, int event) {
    const Node& node = at(state, i);
    const bool fenced =
        is_older(event) && node.log.find(kNewer) >= 0 && !setup.bugs.has(Bug::producer_not_fenced);
    if (fenced || is_gap(node.log, event) || node.log.size() >= setup.bounds.log) {
        return;
    }
    State next = state;
    at(next, i).log.push(node.epoch, event);
    steps.add({"appends event", i, -1, event}, next);
}

// An answer that says for good: this event is not in the log and never will be.
void refusal_step(const State& state, const Setup& setup, Steps& steps, int i, int event) {
    const Node& node = at(state, i);
    if (has(state.refused, event - 1)) {
        return;
    }
    const int newer = node.log.find(kNewer);
    const bool stands = newer >= 0 && (newer < node.hw || setup.bugs.has(Bug::reject_uncommitted));
    const bool gap = is_gap(node.log, event) && setup.bugs.has(Bug::gap_is_rejected);
    if ((is_older(event) && stands) || gap) {
        State next = state;
        next.refused |= 1 << (event - 1);
        steps.add({"refuses event", i, -1, event}, next);
    }
}

// `ack: primary`: synced here is enough, for a receipt that says so.
void primary_ack_step(const State& state, const Setup& setup, Steps& steps, int i, int event) {
    const int offset = at(state, i).log.find(event);
    const auto index = static_cast<std::size_t>(event - 1);
    if (setup.bounds.primary_acks && offset < at(state, i).durable && state.told[index] == 0) {
        State next = state;
        next.told[index] = offset + 1;
        steps.add({"acknowledges, itself alone, event", i, -1, event}, next);
    }
}

void read_steps(const State& state, const Setup& setup, Steps& steps, int i) {
    const Node& node = at(state, i);
    if (state.reader == 0) {
        if (state.reads < setup.bounds.reads &&
            (is_open(node) || setup.bugs.has(Bug::read_before_barrier))) {
            State next = state;
            next.reader = i + 1;
            next.confirmed = 1 << i;
            next.floor = state.committed.size();
            ++next.reads;
            steps.add({"begins a read", i}, next);
        }
        return;
    }
    if (state.reader != i + 1) {
        return;
    }
    for (int other = 0; other < setup.bounds.nodes; ++other) {
        const Node& member = at(state, other);
        if (!has(state.confirmed, other) && member.up && member.epoch == node.epoch &&
            member.role == follower && is_proven(state, node.isr, other)) {
            State next = state;
            next.confirmed |= 1 << other;
            steps.add({"is confirmed to its reader by", i, other}, next);
        }
    }
    const auto enough = [&](const Members& set) {
        return count(state.confirmed & set.mask) >= commit_quorum(set.mask, setup);
    };
    const bool joint = node.proposed.mask == 0 || enough(node.proposed);
    if ((enough(node.isr) && joint) || setup.bugs.has(Bug::read_unconfirmed)) {
        State next = state;
        if (node.hw < state.floor) {
            next.broken = Broken::stale_read;
        }
        next.reader = next.confirmed = next.floor = 0;
        steps.add({"answers the read", i}, next);
    }
}

}  // namespace

void client_steps(const State& state, const Setup& setup, Steps& steps) {
    for (int i = 0; i < setup.bounds.nodes; ++i) {
        const Node& node = at(state, i);
        if (node.role != primary) {
            continue;
        }
        for (int event = 1; event <= setup.bounds.events && is_open(node); ++event) {
            const bool repeat = node.log.find(event) >= 0;
            if (!repeat) {
                append_step(state, setup, steps, i, event);
            } else {
                primary_ack_step(state, setup, steps, i, event);
            }
            if (!repeat || setup.bugs.has(Bug::fenced_before_repeat)) {
                refusal_step(state, setup, steps, i, event);
            }
        }
        read_steps(state, setup, steps, i);
    }
}

}  // namespace skald::model
