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
    bool pending() const { return proposal_.has_value(); }
    // Of this process's; the caller has checked that none is pending.
    void propose(PartitionConfig config, std::vector<Member> joining, const StoredConfig& now,
                 const Member& self, const Turn& turn);
    // The store holds this: what was based on an earlier revision is settled. What is still
    // possible is asked for again, as it was.
    void seen(const StoredConfig& stored, const Turn& turn);
    void unknown(const Turn& turn);
    void tick(std::chrono::milliseconds settle, const Turn& turn);

  private:
    std::optional<Proposal> proposal_;
    Monotonic asked_{};
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

    bool is_lost(const Uuid& node) const;
    void raise_high_watermark(Offset to, const Turn& turn);
    void send(const Uuid& to, Body body, const Turn& turn) const;
};

}  // namespace skald::broker::replication
