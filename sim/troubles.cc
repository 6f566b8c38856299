#include "sim/troubles.h"

#include <algorithm>
#include <cstring>

namespace skald::sim {

using namespace std::chrono_literals;
using broker::replication::PartitionConfig;

Troubles::Troubles(const Node::World& world) : world_(world) {}

void Troubles::begin() {
    next();
    operate();
}

void Troubles::next() {
    world_.schedule.after(world_.chance.between(50ms, 1500ms), [this] {
        if (!over_) {
            befall();
            next();
        }
    });
}

// What ends a trouble; all have ended once everything is mended.
void Troubles::later(std::function<void()> what) {
    const Monotonic wait = world_.chance.per_mille(700) ? world_.chance.between(10ms, 1s)
                                                        : world_.chance.between(1s, 9s);
    world_.schedule.after(wait, [this, what = std::move(what)] {
        if (!over_) {
            what();
        }
    });
}

Node& Troubles::any_node() {
    return *world_.nodes[world_.chance.below(world_.nodes.size())];
}

void Troubles::befall() {
    const Place store = world_.nodes.size();
    const Place place = world_.chance.below(world_.nodes.size());
    const Place other = world_.chance.below(world_.nodes.size() + 1);
    switch (world_.chance.below(14)) {
        case 0:
        case 1:
        case 2:
            return crash(any_node());
        case 3:
            return power_cut();
        case 4:
        case 5:
            return pause(any_node());
        case 6:
            return isolate(place, other, world_.chance.per_mille(500));
        case 7:
            for (Place from = 0; from <= store; ++from) {
                isolate(place, from, true);
            }
            return;
        case 8:
            return isolate(store, place, world_.chance.per_mille(500));
        case 9:
            return disturb();
        case 10:
            return world_.coordination.expire(any_node().self().node);
        case 11: {
            Node& node = any_node();
            node.disk().set_slow(true);
            return later([&node] { node.disk().set_slow(false); });
        }
        case 12:
            return hand_over();
        default:
            return wipe(any_node());
    }
}

void Troubles::crash(Node& node) {
    if (node.running()) {
        node.crash();
        later([&node] {
            if (!node.running()) {
                node.start();
            }
        });
    }
}

void Troubles::power_cut() {
    for (const auto& node : world_.nodes) {
        crash(*node);
    }
}

void Troubles::pause(Node& node) {
    node.pause();
    later([&node] { node.resume(); });
}

void Troubles::isolate(Place place, Place from, bool both) {
    if (place == from) {
        return;
    }
    world_.network.cut(from, place);
    if (both) {
        world_.network.cut(place, from);
    }
    later([this] { world_.network.heal(); });
}

void Troubles::disturb() {
    world_.network.set(
        {world_.chance.below(200), world_.chance.below(200), world_.chance.below(200)});
    later([this] { world_.network.heal(); });
}

// One disk at a time, and never one of which a copy is needed.
void Troubles::wipe(Node& node) {
    const PartitionConfig& config = world_.coordination.stored().config;
    const bool whole =
        std::all_of(config.in_sync.begin(), config.in_sync.end(), [&](const Member& member) {
            return std::any_of(world_.nodes.begin(), world_.nodes.end(), [&](const auto& other) {
                return other->self().node == member.node;
            });
        });
    if (!whole || config.in_sync.size() < 2 || config.commit_quorum() < 2) {
        return;
    }
    if (node.running()) {
        node.crash();
    }
    node.wipe(fresh_uuid());
    later([&node] {
        if (!node.running()) {
            node.start();
        }
    });
}

Uuid Troubles::fresh_uuid() {
    Uuid uuid;
    ++uuids_;
    std::memcpy(uuid.bytes.data(), &uuids_, sizeof uuids_);
    return uuid;
}

void Troubles::hand_over() {
    const Uuid to = any_node().self().node;
    for (const auto& node : world_.nodes) {
        if (node->running() && node->replica()->primary() != nullptr) {
            node->hand_over(to);
        }
    }
}

// The replicas are to be the nodes that there are.
void Troubles::operate() {
    const StoredConfig stored = world_.coordination.stored();
    PartitionConfig next = stored.config;
    const auto is_there = [&](const Uuid& uuid) {
        return std::any_of(world_.nodes.begin(), world_.nodes.end(),
                           [&](const auto& node) { return node->self().node == uuid; });
    };
    std::erase_if(next.replicas,
                  [&](const Uuid& uuid) { return !is_there(uuid) && next.find(uuid) == nullptr; });
    for (const auto& node : world_.nodes) {
        if (!next.is_replica(node->self().node)) {
            next.replicas.push_back(node->self().node);
        }
    }
    if (next != stored.config) {
        next.claim = {};
        world_.coordination.propose(world_.nodes.size(), {stored.revision, next, {}},
                                    [](const std::optional<StoredConfig>&) {});
    }
    world_.schedule.after(500ms, [this] { operate(); });
}

void Troubles::end() {
    over_ = true;
    world_.network.heal();
    for (const auto& node : world_.nodes) {
        node->disk().set_slow(false);
        node->resume();
        if (!node->running()) {
            node->start();
        }
    }
}

}  // namespace skald::sim
