// Crashes, power cuts, disks that are lost, restarts.
#include <algorithm>

#include "tests/model/replication_steps.h"

namespace skald::model {
namespace {

// Of what was not durable, the first records up to `kept` are there afterwards.
void stop(State& state, const Setup& setup, int i, int kept) {
    Node& node = at(state, i);
    node.up = false;
    node.log.cut(kept);
    node.durable = std::min(node.durable, kept);
    if (setup.bugs.has(Bug::promise_not_persisted)) {
        node.promised = std::max(1, node.log.last_epoch());
    }
    // Without fsync nobody knows what an unclean stop took: the disk is a new one to the others.
    if (!setup.fsync && !setup.bugs.has(Bug::unclean_eligible)) {
        ++node.disk;
    }
}

void crash_steps(const State& state, const Setup& setup, Steps& steps) {
    State all = state;
    for (int i = 0; i < setup.bounds.nodes; ++i) {
        const Node& node = at(state, i);
        if (!node.up || node.incarnation >= 7) {
            continue;
        }
        const int least = setup.fsync ? node.durable : node.merged;
        stop(all, setup, i, least);
        for (int kept = least; kept <= node.log.size(); ++kept) {
            State next = state;
            ++next.crashes;
            stop(next, setup, i, kept);
            steps.add({"crashes and keeps", i, -1, kept}, next);
        }
    }
    ++all.crashes;
    steps.add({"power cut of all"}, all);
}

void wipe(State& state, int i) {
    Node& node = at(state, i);
    node.log = {};
    node.durable = node.promised = node.merged = 0;
    ++node.disk;
    ++state.wipes;
}

}  // namespace

void restart(State& state, int i) {
    Node& node = at(state, i);
    node.up = true;
    ++node.incarnation;
    node.epoch = node.promised;
    node.hw = node.merged;
    node.aligned = false;
}

void fault_steps(const State& state, const Setup& setup, Steps& steps) {
    if (state.crashes < setup.bounds.crashes) {
        crash_steps(state, setup, steps);
    }
    for (int i = 0; i < setup.bounds.nodes; ++i) {
        if (at(state, i).up) {
            continue;
        }
        State next = state;
        restart(next, i);
        steps.add({"restarts", i}, next);
        if (state.wipes < setup.bounds.wipes) {
            next = state;
            wipe(next, i);
            steps.add({"loses its disk", i}, next);
        }
    }
}

}  // namespace skald::model
