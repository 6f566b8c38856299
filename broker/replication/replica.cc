#include "broker/replication/replica.h"

#include "broker/replication/planted.h"

namespace skald::broker::replication {

Replica::Replica(const Parts& parts)
    : standing_{parts.self,
                {},
                parts.promised,
                parts.high_watermark,
                parts.times,
                {},
                {},
                // Processes of one node number their fetches apart.
                parts.self.incarnation << 32} {}

void Replica::config_seen(const StoredConfig& stored, const Turn& turn) {
    if (!halted() && stored.revision >= standing_.config.revision) {
        adopt(stored, turn);
    }
}

void Replica::proposal_settled(const Claim& claim, const std::optional<StoredConfig>& stored,
                               const Turn& turn) {
    if (halted()) {
        return;
    }
    // A late answer to one before says nothing of the one under way.
    if (standing_.proposals.is_under_way(claim)) {
        if (!stored) {
            return standing_.proposals.unknown(turn);
        }
        standing_.proposals.settled(*stored, turn);
    }
    if (!stored) {
        return;
    }
    if (stored->revision >= standing_.config.revision) {
        adopt(*stored, turn);
    }
}

void Replica::adopt(const StoredConfig& stored, const Turn& turn) {
    standing_.proposals.seen(stored, turn);
    if (stored.revision == standing_.config.revision) {
        return;
    }
    if (stored.config.epoch < standing_.config.config.epoch) {
        return halt("the store's configuration went back to an epoch before", turn);
    }
    standing_.config = stored;
    take_role(turn);
}

// As the configuration says, once its epoch is promised: nothing of an epoch before may be taken
// from then on.
void Replica::take_role(const Turn& turn) {
    const PartitionConfig& config = standing_.config.config;
    if (config.epoch > standing_.promised && planted(Fault::promise_not_kept)) {
        standing_.promised = config.epoch;
    }
    if (config.epoch > standing_.promised) {
        leave_role(turn);
        if (config.epoch > raising_) {
            raising_ = config.epoch;
            turn.effects.promise = config.epoch;
        }
        return;
    }
    if (config.primary == standing_.self.node) {
        lead_or_claim(turn);
    } else if (config.is_replica(standing_.self.node)) {
        const auto* const follower = std::get_if<Follower>(&role_);
        if (follower == nullptr || !follower->follows(config)) {
            leave_role(turn);
            role_.emplace<Follower>(standing_, turn);
        }
    } else {
        leave_role(turn);
    }
    if (fence_) {
        on_fence(*std::exchange(fence_, std::nullopt), turn);
    }
}

// A process that did not open the epoch itself does not know what it acknowledged in it: it begins
// another. One that is not open yet may be opened by any process of its primary.
void Replica::lead_or_claim(const Turn& turn) {
    const PartitionConfig& config = standing_.config.config;
    if (!config.open) {
        if (!std::holds_alternative<Takeover>(role_)) {
            leave_role(turn);
            role_.emplace<Takeover>(standing_, turn);
        }
        return;
    }
    if (auto* const primary = std::get_if<Primary>(&role_)) {
        return primary->config_changed(standing_, turn);
    }
    const auto* const takeover = std::get_if<Takeover>(&role_);
    if (planted(Fault::primary_goes_on) ||
        (takeover != nullptr && config.claim.by == standing_.self)) {
        Feed feed = takeover == nullptr ? Feed() : takeover->feed();
        role_.emplace<Primary>(std::move(feed), standing_, turn);
        return;
    }
    leave_role(turn);
    claim(turn);
}

void Replica::leave_role(const Turn& turn) {
    if (std::holds_alternative<Primary>(role_)) {
        turn.effects.intake = Intake::closed;
        turn.effects.why = "another replica is the primary";
    }
    role_.emplace<Waiting>();
}

void Replica::claim(const Turn& turn) {
    const StoredConfig& stored = standing_.config;
    if (!standing_.proposals.may_propose(turn) || !stored.config.proves(standing_.self)) {
        return;
    }
    PartitionConfig next = stored.config;
    next.epoch = next.epoch + 1;
    next.open = false;
    next.primary = standing_.self.node;
    standing_.proposals.propose(std::move(next), {}, stored, standing_.self, turn);
}

void Replica::node_seen(const Member& member, const Turn&) {
    standing_.nodes[member.node] = Node{member.incarnation, std::nullopt};
}

void Replica::node_lost(const Uuid& node, const Turn& turn) {
    Node& known = standing_.nodes[node];
    if (!known.lost) {
        known.lost = turn.now;
    }
}

void Replica::received(const Message& message, const Turn& turn) {
    const PartitionConfig& config = standing_.config.config;
    if (halted() || message.log != config.log) {
        return;
    }
    if (message.epoch > config.epoch) {
        if (planted(Fault::fence_does_not_stop)) {
            turn.effects.sends.push_back({message.from.node,
                                          {config.log, message.epoch, standing_.self,
                                           FenceAnswer{turn.log.epochs().last(), turn.log.end()}}});
            return;
        }
        turn.effects.read_config = true;
        if (std::holds_alternative<Fence>(message.body)) {
            fence_ = message;
        }
        return;
    }
    const bool asks =
        std::holds_alternative<Fetch>(message.body) || std::holds_alternative<Fence>(message.body);
    if (message.epoch < config.epoch) {
        if (asks) {
            standing_.send(message.from.node, Fenced{}, turn);
        }
        return;
    }
    if (std::holds_alternative<Fence>(message.body)) {
        on_fence(message, turn);
    } else {
        dispatch(message, turn);
    }
}

void Replica::dispatch(const Message& message, const Turn& turn) {
    if (auto* const follower = std::get_if<Follower>(&role_)) {
        const auto* const answer = std::get_if<FetchAnswer>(&message.body);
        if (answer != nullptr && message.from.node == standing_.config.config.primary) {
            if (const auto why = follower->on_answer(message, *answer, standing_, turn)) {
                halt(*why, turn);
            }
        }
    } else if (auto* const takeover = std::get_if<Takeover>(&role_)) {
        if (const auto* const answer = std::get_if<FenceAnswer>(&message.body)) {
            takeover->on_fence_answer(message, *answer, standing_, turn);
        } else if (const auto* const fetch = std::get_if<Fetch>(&message.body)) {
            takeover->on_fetch(message, *fetch, standing_, turn);
        }
    } else if (auto* const primary = std::get_if<Primary>(&role_)) {
        if (const auto* const fetch = std::get_if<Fetch>(&message.body)) {
            primary->on_fetch(message, *fetch, standing_, turn);
        }
    }
}

// Answered once the promise is kept: until then it is held, one of them.
void Replica::on_fence(const Message& message, const Turn& turn) {
    const PartitionConfig& config = standing_.config.config;
    if (message.epoch < config.epoch || message.from.node != config.primary) {
        return;
    }
    if (standing_.promised < message.epoch) {
        fence_ = message;
        return;
    }
    standing_.send(message.from.node, FenceAnswer{turn.log.epochs().last(), turn.log.end()}, turn);
}

void Replica::promise_kept(Epoch epoch, const Turn& turn) {
    standing_.promised = std::max(standing_.promised, epoch);
    if (!halted() && epoch == standing_.config.config.epoch) {
        take_role(turn);
    }
}

void Replica::log_grew(const Turn& turn) {
    if (auto* const follower = std::get_if<Follower>(&role_)) {
        follower->log_changed(standing_, turn);
    } else if (auto* const primary = std::get_if<Primary>(&role_)) {
        primary->log_grew(standing_, turn);
    }
}

void Replica::log_cut(const Turn& turn) {
    if (auto* const follower = std::get_if<Follower>(&role_)) {
        follower->log_changed(standing_, turn);
    }
}

void Replica::tick(const Turn& turn) {
    if (halted()) {
        return;
    }
    standing_.proposals.tick(standing_.times.settle, turn);
    if (auto* const follower = std::get_if<Follower>(&role_)) {
        follower->tick(standing_, turn);
        if (follower->would_claim(standing_, turn)) {
            claim(turn);
        }
    } else if (auto* const takeover = std::get_if<Takeover>(&role_)) {
        takeover->tick(standing_, turn);
    } else if (auto* const primary = std::get_if<Primary>(&role_)) {
        primary->tick(standing_, turn);
    } else if (standing_.promised == standing_.config.config.epoch) {
        take_role(turn);
    }
}

std::optional<std::uint64_t> Replica::confirm(const Turn& turn) {
    auto* const primary = std::get_if<Primary>(&role_);
    return primary == nullptr ? std::nullopt : std::optional(primary->confirm(standing_, turn));
}

bool Replica::hand_over(const Uuid& to, const Turn& turn) {
    auto* const primary = std::get_if<Primary>(&role_);
    return primary != nullptr && primary->hand_over(to, standing_, turn);
}

std::string_view Replica::role_name() const {
    constexpr std::string_view kNames[] = {"waiting", "follower", "takeover", "primary", "halted"};
    return kNames[role_.index()];
}

void Replica::halt(const std::string& why, const Turn& turn) {
    turn.effects.alarms.push_back(why);
    leave_role(turn);
    role_.emplace<Halted>();
}

}  // namespace skald::broker::replication
