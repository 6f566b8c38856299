#include "sim/coordination.h"

#include <algorithm>
#include <memory>

namespace skald::sim {
namespace {

using namespace std::chrono_literals;
constexpr Monotonic kPatience = 1s;

}  // namespace

Coordination::Coordination(Schedule& schedule, Network& network, Chance& chance, Place place,
                           StoredConfig first, Monotonic lease)
    : schedule_(schedule),
      network_(network),
      chance_(chance),
      place_(place),
      lease_(lease),
      stored_(std::move(first)) {}

// Either way may be lost: what was asked is done or not, and who asked does not know.
void Coordination::ask(Place from, const std::function<StoredConfig()>& what, Answer answer) {
    auto once = std::make_shared<Answer>(std::move(answer));
    const auto give = [once](const std::optional<StoredConfig>& stored) {
        if (const Answer call = std::exchange(*once, nullptr)) {
            call(stored);
        }
    };
    schedule_.after(kPatience, [give] { give(std::nullopt); });
    network_.send(from, place_, [this, from, what, give] {
        const StoredConfig stored = what();
        network_.send(place_, from, [give, stored] { give(stored); });
    });
}

void Coordination::propose(Place from, const Proposal& proposal, Answer answer) {
    ask(
        from, [this, proposal] { return swap(proposal); }, std::move(answer));
}

void Coordination::read(Place from, Answer answer) {
    ask(
        from, [this] { return stored_; }, std::move(answer));
}

StoredConfig Coordination::swap(const Proposal& proposal) {
    const bool registered =
        std::all_of(proposal.joining.begin(), proposal.joining.end(), [&](const Member& member) {
            const auto it = lives_.find(member.node);
            return it != lives_.end() && it->second.member == member;
        });
    if (stored_.revision == proposal.expected && registered) {
        stored_ = {proposal.config, stored_.revision + 1};
        changed_(stored_);
        tell_all([stored = stored_](CoordWatcher& watcher) { watcher.config_seen(stored); });
    }
    return stored_;
}

void Coordination::beat(Place from, const Member& member) {
    network_.send(from, place_, [this, member] {
        Live& live = lives_[member.node];
        if (member.incarnation < live.member.incarnation) {
            return;
        }
        const bool news = live.member != member || live.lost;
        live = {member, schedule_.now(), false};
        if (news) {
            tell_all([member](CoordWatcher& watcher) { watcher.node_seen(member); });
        }
    });
}

void Coordination::expire(const Uuid& node) {
    const auto it = lives_.find(node);
    if (it != lives_.end() && !it->second.lost) {
        it->second.lost = true;
        tell_all([node](CoordWatcher& watcher) { watcher.node_lost(node); });
    }
}

void Coordination::tick() {
    for (auto& [node, live] : lives_) {
        if (!live.lost && schedule_.now() - live.kept > lease_) {
            expire(node);
        }
    }
    // What a watcher did not get while it was cut off: all of it again.
    tell_all([this](CoordWatcher& watcher) {
        watcher.config_seen(stored_);
        for (const auto& [node, live] : lives_) {
            live.lost ? watcher.node_lost(node) : watcher.node_seen(live.member);
        }
    });
}

void Coordination::tell(Place to, const std::function<void(CoordWatcher&)>& what) {
    network_.send(place_, to, [this, to, what] {
        const auto it = watchers_.find(to);
        if (it != watchers_.end()) {
            what(*it->second);
        }
    });
}

void Coordination::tell_all(const std::function<void(CoordWatcher&)>& what) {
    for (const auto& [place, watcher] : watchers_) {
        tell(place, what);
    }
}

}  // namespace skald::sim
