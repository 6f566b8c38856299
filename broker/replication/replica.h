// One replica of one partition as a pure core: messages of the others, what the coordination store
// holds, what became durable and what time it is go in; messages, proposals and changes of the log
// come out. Rules R1, R3 to R5 and R7 to R10 of docs/replication.md.
//
// A replica follows its primary, takes over from one, or is the primary. It may crash between any
// two steps: what must outlast that is in the log, in the promise, and in the coordination store.
//
// One thread at a time. A value: a copy goes on by itself.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "broker/replication/effects.h"
#include "broker/replication/follower.h"
#include "broker/replication/primary.h"
#include "broker/replication/standing.h"
#include "broker/replication/takeover.h"

namespace skald::broker::replication {

class Replica {
  public:
    struct Parts {
        Member self;
        Epoch promised;         // as it was kept
        Offset high_watermark;  // as the log's last batch tells it
        Times times = {};
    };
    explicit Replica(const Parts& parts);

    // Of the store, by a read or a watch: what is older than known is ignored.
    void config_seen(const StoredConfig& stored, const Turn& turn);
    // What the store holds behind a proposal, which is named by its claim; nullopt: its outcome is
    // unknown.
    void proposal_settled(const Claim& claim, const std::optional<StoredConfig>& stored,
                          const Turn& turn);
    // A node is registered with this incarnation and alive, or its liveness ended.
    void node_seen(const Member& member, const Turn& turn);
    void node_lost(const Uuid& node, const Turn& turn);

    void received(const Message& message, const Turn& turn);
    void promise_kept(Epoch epoch, const Turn& turn);
    void log_grew(const Turn& turn);
    void log_cut(const Turn& turn);
    void tick(const Turn& turn);

    // A read that must see all that was acknowledged before: Effects::confirmed reaches its number
    // once it may be answered. nullopt: this is not the primary.
    std::optional<std::uint64_t> confirm(const Turn& turn);
    // Gives its place to another in sync, which must have everything first. False: this is not the
    // primary, or that one not in sync.
    bool hand_over(const Uuid& to, const Turn& turn);

    const StoredConfig& config() const { return standing_.config; }
    Offset high_watermark() const { return standing_.high_watermark; }
    Epoch promised() const { return standing_.promised; }
    // Null unless this is the primary, of an epoch that is open.
    const Primary* primary() const { return std::get_if<Primary>(&role_); }
    std::string_view role_name() const;
    bool halted() const { return std::holds_alternative<Halted>(role_); }

  private:
    struct Waiting {};  // for a configuration, a promise, or to be a replica
    struct Halted {};   // what it found must not be: it does nothing any more
    using Role = std::variant<Waiting, Follower, Takeover, Primary, Halted>;

    void adopt(const StoredConfig& stored, const Turn& turn);
    void take_role(const Turn& turn);
    void lead_or_claim(const Turn& turn);
    void leave_role(const Turn& turn);
    void claim(const Turn& turn);
    void dispatch(const Message& message, const Turn& turn);
    void on_fence(const Message& message, const Turn& turn);
    void halt(const std::string& why, const Turn& turn);

    Standing standing_;
    Role role_;
    Epoch raising_{0};              // a promise that is being kept
    std::optional<Message> fence_;  // one that waits for that, or for the configuration
};

}  // namespace skald::broker::replication
