// R5: who is in the in-sync set.
#include <algorithm>

#include "tests/model/replication_steps.h"

namespace skald::model {
namespace {

// The end of what an epoch inherited: its barrier. No HW of an older epoch that this node happens
// to know says how much of it was committed.
int inherited(const Node& node) {
    for (int end = 1; end <= node.log.size(); ++end) {
        if (node.log.epoch_before(end) == node.epoch) {
            return node.epoch == 1 ? 0 : end;
        }
    }
    return 0;
}

// Everything committed in this epoch so far, and all that was before it, on each that remains.
bool remaining_hold(const Node& node, int self, int remaining, const Setup& setup) {
    for (int i = 0; i < kNodes; ++i) {
        if (!has(remaining, i) || setup.bugs.has(Bug::no_wait_in_shrink)) {
            continue;
        }
        const bool known = at(node.stated_disk, i) == at(node.isr.disk, i);
        const int leo = i == self ? stated_leo(node, setup) : (known ? at(node.leo, i) : 0);
        if (leo < node.hw) {
            return false;
        }
    }
    return true;
}

}  // namespace

Message change_of(const State& state, int i, const Members& isr) {
    const Node& node = at(state, i);
    Config config;
    config.epoch = node.epoch;
    config.revision = node.revision + 1;
    config.primary = i;
    config.incarnation = node.incarnation;
    config.isr = isr;
    return {.kind = Message::change,
            .from = i,
            .to = i,
            .epoch = node.epoch,
            .at = node.revision,
            .body = config.pack()};
}

std::optional<Message> leave_of(State& state, const Setup& setup, int i, int other) {
    Node& node = at(state, i);
    const int remaining = node.isr.mask & ~(1 << other);
    if (other == i || !has(node.isr.mask, other) || !remaining_hold(node, i, remaining, setup)) {
        return std::nullopt;
    }
    node.proposed = node.isr;
    node.proposed.mask = remaining;
    at(node.proposed.disk, other) = 0;
    return change_of(state, i, node.proposed);
}

std::optional<Message> join_of(State& state, const Setup& setup, int i, int other) {
    Node& node = at(state, i);
    const bool stale = setup.bugs.has(Bug::join_at_known_hw);
    const int needed = stale ? node.hw : std::max(node.hw, inherited(node));
    if (has(node.isr.mask, other) || at(node.stated_disk, other) == 0 ||
        at(node.leo, other) < needed) {
        return std::nullopt;
    }
    const bool registry = setup.bugs.has(Bug::join_by_registry);
    node.proposed = node.isr;
    node.proposed.mask |= 1 << other;
    at(node.proposed.disk, other) = registry ? at(state, other).disk : at(node.stated_disk, other);
    return change_of(state, i, node.proposed);
}

void membership_steps(const State& state, const Setup& setup, Steps& steps) {
    for (int i = 0; i < setup.bounds.nodes && setup.bounds.members; ++i) {
        const Node& node = at(state, i);
        if (node.role != primary || node.revision >= setup.bounds.revisions) {
            continue;
        }
        if (node.proposed.mask != 0) {
            // The outcome is unknown. Whichever is done first makes the other impossible.
            steps.send({"asks again", i}, state, change_of(state, i, node.proposed));
            steps.send({"asks for no change", i}, state, change_of(state, i, node.isr));
            continue;
        }
        for (int other = 0; other < setup.bounds.nodes; ++other) {
            State next = state;
            if (const std::optional<Message> leave = leave_of(next, setup, i, other)) {
                steps.send({"asks to remove", i, other}, next, *leave);
            }
            if (const std::optional<Message> join = join_of(next, setup, i, other)) {
                steps.send({"asks to add", i, other}, next, *join);
            }
        }
    }
}

}  // namespace skald::model
