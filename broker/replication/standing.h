// What one replica knows beside its role, and the change of the configuration that it asked for.
#pragma once

#include <map>
#include <optional>

#include "broker/replication/effects.h"

namespace skald::broker::replication {

// One change at a time. Its outcome is known once the store is seen at a later revision; until then
// it may have been done.
class Proposals {
  public:
    // None is under way, and the store did not just refuse one.
    bool may_propose(const Turn& turn) const { return !proposal_ && turn.now >= not_before_; }
    void propose(PartitionConfig config, std::vector<Member> joining, const StoredConfig& now,
                 const Member& self, const Turn& turn);
    bool is_under_way(const Claim& claim) const {
        return proposal_ && proposal_->config.claim == claim;
    }
    // The store answered with what it holds now.
    void settled(const StoredConfig& stored, const Turn& turn);
    void unknown(const Turn& turn);
    // The store holds this: what was based on an earlier revision is settled. What is still
    // possible after an unknown outcome is asked for again, as it was.
    void seen(const StoredConfig& stored, const Turn& turn);
    void tick(std::chrono::milliseconds settle, const Turn& turn);

  private:
    std::optional<Proposal> proposal_;
    Monotonic asked_{};
    Monotonic not_before_{};
    std::uint64_t number_ = 0;  // of proposals so far
    bool unknown_ = false;      // an answer was none
};

struct Node {
    std::uint64_t incarnation = 0;    // as it is registered
    std::optional<Monotonic> lost{};  // since when its liveness is over
};

struct Standing {
    Member self;
    StoredConfig config;
    Epoch promised;
    Offset high_watermark;
    Times times;
    std::map<Uuid, Node> nodes;
    Proposals proposals;
    std::uint64_t fetches = 0;  // the number of the last one

    bool is_lost(const Uuid& node) const;
    // The process is the one that its node is registered with.
    bool is_registered(const Member& member) const;
    void raise_high_watermark(Offset to, const Turn& turn);
    void send(const Uuid& to, Body body, const Turn& turn) const;
};

}  // namespace skald::broker::replication
