// What must hold in every state.
#include <algorithm>

#include "tests/model/replication_steps.h"

namespace skald::model {
namespace {

bool holds_commits(const Log& log, const State& state) {
    return log.same_until(state.committed.size(), state.committed);
}

// Whoever may be elected next has all that was committed. Members of other disks do not count, and
// with too few left there is no election: that is unavailable, not lost.
bool elections_keep_commits(const State& state, const Setup& setup) {
    const Members& isr = state.config.isr;
    Setup right = setup;
    right.bugs = {};
    const int needed = election_quorum(isr.mask, right);
    for (int voters = 1; voters < 1 << kNodes; ++voters) {
        if ((voters & ~isr.mask) != 0 || count(voters) != needed) {
            continue;
        }
        const Node* best = nullptr;
        bool proven = true;
        for (int i = 0; i < kNodes; ++i) {
            if (!has(voters, i)) {
                continue;
            }
            const Node& node = at(state, i);
            proven = proven && is_proven(state, isr, i);
            if (best == nullptr || std::pair(node.log.last_epoch(), node.log.size()) >
                                       std::pair(best->log.last_epoch(), best->log.size())) {
                best = &node;
            }
        }
        if (proven && !holds_commits(best->log, state)) {
            return false;
        }
    }
    return true;
}

bool has_repeats(const Log& log) {
    int seen = 0;
    for (int i = 0; i < log.size(); ++i) {
        if (log.event(i) != kBarrier && has(seen, log.event(i))) {
            return true;
        }
        seen |= 1 << log.event(i);
    }
    return false;
}

// Events 1 and 2 in their order, and neither after 3, which fences them.
bool is_in_order(const Log& log) {
    const int first = log.find(1);
    const int second = log.find(2);
    const int newer = log.find(3);
    return (second < 0 || (first >= 0 && first < second)) &&
           (newer < 0 || (first < newer && second < newer));
}

const char* node_violation(const State& state, int i) {
    const Node& node = at(state, i);
    const Log& committed = state.committed;
    if (node.hw > committed.size() ||
        !node.log.same_until(std::min(node.hw, node.log.size()), committed)) {
        return "an HW covers what is not committed";
    }
    if (node.merged > node.durable || node.merged > committed.size() ||
        !node.log.same_until(node.merged, committed)) {
        return "merged what is not committed or not durable";
    }
    if (has_repeats(node.log)) {
        return "an event is twice in a log";
    }
    if (node.role == primary && node.epoch == state.config.epoch &&
        !holds_commits(node.log, state)) {
        return "the primary lacks what was acknowledged";
    }
    for (int other = 0; other < i; ++other) {
        const bool both = node.role == primary && at(state, other).role == primary;
        if (both && at(state, other).epoch == node.epoch) {
            return "two primaries in one epoch";
        }
    }
    return nullptr;
}

const char* broken_promise(const State& state) {
    switch (state.broken) {
        case Broken::none:
            return nullptr;
        case Broken::cut_below_hw:
            return "a log was cut below its HW";
        case Broken::cut_below_merged:
            return "a log was cut below what it merged";
        case Broken::forked_commit:
            return "two different records were committed at one offset";
        case Broken::stale_read:
            return "a linearizable read misses what was acknowledged before";
    }
    return nullptr;
}

const char* answer_violation(const State& state, const Setup& setup) {
    const bool final = setup.bugs.has(Bug::primary_receipt_final);
    for (int i = 0; i < state.committed.size(); ++i) {
        const int event = state.committed.event(i);
        if (event == kBarrier || event == kLastEvent) {
            continue;
        }
        if (has(state.refused, event - 1)) {
            return "an event that was refused is in the log";
        }
        const int told = state.told[static_cast<std::size_t>(event - 1)];
        if (final && told != 0 && told != i + 1) {
            return "a request has receipts with two offsets";
        }
    }
    return is_in_order(state.committed)
               ? nullptr
               : "a fenced or later request stands before one it must follow";
}

}  // namespace

const char* violation(const State& state, const Setup& setup) {
    if (const char* broken = broken_promise(state)) {
        return broken;
    }
    for (int i = 0; i < setup.bounds.nodes; ++i) {
        if (const char* broken = node_violation(state, i)) {
            return broken;
        }
    }
    if (const char* broken = answer_violation(state, setup)) {
        return broken;
    }
    if (!elections_keep_commits(state, setup)) {
        return "an election may lose what was acknowledged";
    }
    return nullptr;
}

}  // namespace skald::model
