// The coordination store of a run: one partition's configuration, changed by compare-and-swap,
// registrations, and leases of liveness that also end although nobody died.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "broker/replication/effects.h"
#include "sim/network.h"

namespace skald::sim {

using broker::replication::Member;
using broker::replication::Proposal;
using broker::replication::StoredConfig;

// What a node hears of the store without asking.
class CoordWatcher {
  public:
    virtual ~CoordWatcher() = default;
    virtual void config_seen(const StoredConfig& stored) = 0;
    virtual void node_seen(const Member& member) = 0;
    virtual void node_lost(const Uuid& node) = 0;
};

class Coordination {
  public:
    // Nullopt: the outcome is unknown. Called once, some time later.
    using Answer = std::function<void(const std::optional<StoredConfig>&)>;

    Coordination(Schedule& schedule, Network& network, Chance& chance, Place place,
                 StoredConfig first, Monotonic lease);

    void watch(Place place, CoordWatcher& watcher) { watchers_[place] = &watcher; }
    void unwatch(Place place) { watchers_.erase(place); }

    void propose(Place from, const Proposal& proposal, Answer answer);
    void read(Place from, Answer answer);
    // Of a process as it starts and as it lives on: registers it, and keeps its lease.
    void beat(Place from, const Member& member);
    // Of the place's current process, if any; also without a reason.
    void expire(const Uuid& node);
    // Ends leases that were not kept, tells what watchers missed. Every so often.
    void tick();

    const StoredConfig& stored() const { return stored_; }
    // Called with each configuration as it begins to hold.
    void on_change(std::function<void(const StoredConfig&)> call) { changed_ = std::move(call); }

  private:
    void ask(Place from, const std::function<StoredConfig()>& what, Answer answer);
    StoredConfig swap(const Proposal& proposal);
    void tell(Place to, const std::function<void(CoordWatcher&)>& what);
    void tell_all(const std::function<void(CoordWatcher&)>& what);

    struct Live {
        Member member;
        Monotonic kept{};
        bool lost = false;
    };
    Schedule& schedule_;
    Network& network_;
    Chance& chance_;
    const Place place_;
    const Monotonic lease_;
    StoredConfig stored_;
    std::map<Uuid, Live> lives_;
    std::map<Place, CoordWatcher*> watchers_;
    std::function<void(const StoredConfig&)> changed_;
};

}  // namespace skald::sim
