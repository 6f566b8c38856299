#include "sim/troubles.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace skald::sim {

using namespace std::chrono_literals;
using broker::replication::PartitionConfig;

Troubles::Troubles(const Node::World& world) : world_(world) {}

void Troubles::begin() {
    next();
    operate();
}

void Troubles::next() {
    world_.schedule.after(world_.chance.between(world_.pace.trouble / 30, world_.pace.trouble),
                          [this] {
                              if (!over_) {
                                  befall();
                                  next();
                              }
                          });
}

// What ends a trouble; all have ended once everything is mended.
void Troubles::later(std::function<void()> what) {
    const Monotonic much = world_.pace.trouble * 2 / 3;
    const Monotonic wait = world_.chance.per_mille(700) ? world_.chance.between(much / 100, much)
                                                        : world_.chance.between(much, much * 12);
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
    const Place place = world_.chance.below(world_.nodes.size());
    const Place other = world_.chance.below(world_.nodes.size() + 1);
    switch (world_.chance.below(15)) {
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
            return isolate(place, {other}, world_.chance.per_mille(500));
        case 7:
            return isolate(place, places(world_.chance.per_mille(500)), true);
        case 8:
            return isolate_store();
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
        case 13:
            return isolate_primary();
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

void Troubles::isolate(Place place, const std::vector<Place>& from, bool both) {
    Cuts cuts;
    for (const Place other : from) {
        if (other != place) {
            cuts.push_back({other, place});
            if (both) {
                cuts.push_back({place, other});
            }
        }
    }
    world_.network.cut(cuts);
    later([this, cuts] { world_.network.mend(cuts); });
}

// All nodes, and the store or not.
std::vector<Place> Troubles::places(bool with_store) const {
    std::vector<Place> all(world_.nodes.size() + (with_store ? 1 : 0));
    std::iota(all.begin(), all.end(), Place{0});
    return all;
}

void Troubles::isolate_store() {
    std::vector<Place> some = places(false);
    std::erase_if(some, [this](Place) { return world_.chance.per_mille(500); });
    isolate(world_.nodes.size(), some, world_.chance.per_mille(500));
}

// It goes on alone as long as it may, and may be dead then.
void Troubles::isolate_primary() {
    for (Place place = 0; place < world_.nodes.size(); ++place) {
        Node& node = *world_.nodes[place];
        if (node.running() && node.replica()->primary() != nullptr) {
            isolate(place, places(false), true);
            later([this, &node] { crash(node); });
        }
    }
}

void Troubles::disturb() {
    world_.network.set(
        {world_.chance.below(200), world_.chance.below(200), world_.chance.below(200)});
    later([this] { world_.network.set({}); });
}

// One disk at a time: the next once all have all of it again.
void Troubles::wipe(Node& node) {
    const PartitionConfig& config = world_.coordination.stored().config;
    const bool whole =
        std::all_of(config.in_sync.begin(), config.in_sync.end(), [&](const Member& member) {
            return std::any_of(world_.nodes.begin(), world_.nodes.end(), [&](const auto& other) {
                return other->self().node == member.node;
            });
        });
    if (!whole || config.in_sync.size() < world_.nodes.size()) {
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
