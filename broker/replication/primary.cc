#include "broker/replication/primary.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "broker/replication/planted.h"

namespace skald::broker::replication {

Primary::Primary(Feed feed, Standing& standing, const Turn& turn)
    : feed_(std::move(feed)), barrier_(turn.log.end()), since_(turn.now) {
    turn.effects.barrier = true;
    watch_intake(standing, turn);
}

void Primary::on_fetch(const Message& message, const Fetch& fetch, Standing& standing,
                       const Turn& turn) {
    feed_.on_fetch(message.from, fetch, standing, turn);
    advance(standing, turn);
    maintain(standing, turn);
}

void Primary::log_grew(Standing& standing, const Turn& turn) {
    advance(standing, turn);
    feed_.serve(standing, turn);
}

// Its own change was done, or somebody else's was first: then what it wished is looked at anew.
void Primary::config_changed(Standing& standing, const Turn& turn) {
    wish_.reset();
    advance(standing, turn);
    maintain(standing, turn);
    watch_intake(standing, turn);
}

void Primary::tick(Standing& standing, const Turn& turn) {
    feed_.serve(standing, turn);
    maintain(standing, turn);
    watch_intake(standing, turn);
}

// What is inherited is not committed by counting: a record of this epoch must be (Raft, 5.4.2).
void Primary::advance(Standing& standing, const Turn& turn) {
    const PartitionConfig& stored = standing.config.config;
    if (stored.in_sync.size() >= stored.min_in_sync) {
        Offset end = quorum_end(stored, feed_, standing.self, turn.log.end());
        if (wish_ && !planted(Fault::commits_by_stored_set)) {
            PartitionConfig wished = stored;
            wished.in_sync = wish_->in_sync;
            end = std::min(end, quorum_end(wished, feed_, standing.self, turn.log.end()));
        }
        if (planted(Fault::high_watermark_one_ahead) && end < turn.log.end()) {
            end = end + 1;
        }
        if (end > barrier_) {
            standing.raise_high_watermark(end, turn);
        }
    }
    confirm_reads(standing, turn);
}

void Primary::maintain(Standing& standing, const Turn& turn) {
    if (!standing.proposals.may_propose(turn)) {
        return;
    }
    // What was not proposed yet may be given up. As long as it stays the same it needs no more than
    // at first: what was committed since is so by both sets.
    std::optional<Wish> now = wish(standing, turn);
    if (now && wish_ && now->in_sync == wish_->in_sync) {
        now->need = wish_->need;
    }
    wish_ = std::move(now);
    if (wish_) {
        propose_wish(standing, turn);
    } else if (hands_over_) {
        propose_hand_over(standing, turn);
    }
}

std::optional<Primary::Wish> Primary::wish(const Standing& standing, const Turn& turn) const {
    if (auto renewed = renewal(standing, turn)) {
        return renewed;
    }
    auto left = leave(standing, turn);
    return left ? left : join(standing, turn);
}

// Members that began anew with what they had.
std::optional<Primary::Wish> Primary::renewal(const Standing& standing, const Turn& turn) const {
    Wish wished{standing.config.config.in_sync, {}, {}, standing.high_watermark};
    for (const Member& now : feed_.caught_up({}, standing, turn)) {
        for (Member& member : wished.in_sync) {
            if (member.node == now.node && member.incarnation < now.incarnation) {
                member = now;
                wished.joining.push_back(now);
            }
        }
    }
    return wished.joining.empty() ? std::nullopt : std::optional(std::move(wished));
}

bool Primary::may_stay(const Member& member, const Standing& standing, const Turn& turn) const {
    if (member.node == standing.self.node) {
        return true;
    }
    const Feed::Peer* const peer = feed_.proven(member);
    const Monotonic caught_up = peer == nullptr ? since_ : std::max(peer->caught_up, since_);
    return (peer == nullptr || !peer->lost_data) && turn.now - caught_up < standing.times.lag;
}

// Who stays behind must not keep others from committing; but less than must be in sync could commit
// nothing, so that these remain, and may take over later. Those that stay must have what was
// committed with the help of the one that goes.
std::optional<Primary::Wish> Primary::leave(const Standing& standing, const Turn& turn) const {
    const PartitionConfig& config = standing.config.config;
    if (config.in_sync.size() <= config.min_in_sync) {
        return std::nullopt;
    }
    const auto goes =
        std::find_if(config.in_sync.begin(), config.in_sync.end(),
                     [&](const Member& member) { return !may_stay(member, standing, turn); });
    if (goes == config.in_sync.end()) {
        return std::nullopt;
    }
    Wish wished{{}, {}, {}, standing.high_watermark};
    for (const Member& member : config.in_sync) {
        if (member.node != goes->node) {
            wished.in_sync.push_back(member);
            wished.have.push_back(member.node);
        }
    }
    return wished;
}

std::optional<Primary::Wish> Primary::join(const Standing& standing, const Turn& turn) const {
    const PartitionConfig& config = standing.config.config;
    // All that is committed may be more than is known to be, until a record of this epoch is.
    const Offset need = std::max(standing.high_watermark, barrier_);
    for (const Member& member : feed_.caught_up(need, standing, turn)) {
        if (config.find(member.node) == nullptr) {
            Wish wished{config.in_sync, {member}, {member.node}, need};
            wished.in_sync.push_back(member);
            return wished;
        }
    }
    return std::nullopt;
}

void Primary::propose_wish(Standing& standing, const Turn& turn) {
    const bool have = std::all_of(wish_->have.begin(), wish_->have.end(), [&](const Uuid& node) {
        const auto it = feed_.peers().find(node);
        return node == standing.self.node
                   ? turn.log.end() >= wish_->need
                   : it != feed_.peers().end() && it->second.durable >= wish_->need;
    });
    if (have || planted(Fault::leaves_without_wait)) {
        PartitionConfig next = standing.config.config;
        next.in_sync = wish_->in_sync;
        standing.proposals.propose(std::move(next), wish_->joining, standing.config, standing.self,
                                   turn);
    }
}

void Primary::propose_hand_over(Standing& standing, const Turn& turn) {
    const auto it = feed_.peers().find(hands_over_->to);
    if (turn.now - hands_over_->since >= standing.times.settle ||
        standing.config.config.find(hands_over_->to) == nullptr) {
        hands_over_.reset();
        return;
    }
    if (it != feed_.peers().end() && it->second.durable == turn.log.end() &&
        standing.high_watermark == turn.log.end()) {
        PartitionConfig next = standing.config.config;
        next.epoch = next.epoch + 1;
        next.open = false;
        next.primary = hands_over_->to;
        standing.proposals.propose(std::move(next), {}, standing.config, standing.self, turn);
    }
}

bool Primary::hand_over(const Uuid& to, Standing& standing, const Turn& turn) {
    if (standing.config.config.find(to) == nullptr || to == standing.self.node) {
        return false;
    }
    hands_over_ = HandOver{to, turn.now};
    watch_intake(standing, turn);
    maintain(standing, turn);
    return true;
}

// Appends that could not be committed soon are refused at once.
void Primary::watch_intake(const Standing& standing, const Turn& turn) {
    const PartitionConfig& config = standing.config.config;
    std::size_t heard = 0;
    for (const Member& member : config.in_sync) {
        const Feed::Peer* const peer = feed_.proven(member);
        const Monotonic last = peer == nullptr ? since_ : std::max(peer->heard, since_);
        const bool near = member.node == standing.self.node ||
                          turn.now - last < standing.times.lag + standing.times.settle;
        heard += near ? 1 : 0;
    }
    const std::size_t needed = std::max<std::size_t>(config.commit_quorum(), config.min_in_sync);
    std::string why;
    if (hands_over_) {
        why = fmt::format("its primary hands it over to {}", to_string(hands_over_->to));
    } else if (heard < needed) {
        why = fmt::format("{} of the replicas in sync answer, and {} must", heard, needed);
    }
    const Intake intake = why.empty() ? Intake::open : Intake::closed;
    if (intake != intake_ || why != why_) {
        intake_ = intake;
        why_ = turn.effects.why = why;
        turn.effects.intake = intake;
    }
}

std::uint64_t Primary::confirm(const Standing& standing, const Turn& turn) {
    const std::uint64_t round = feed_.begin_round(standing, turn);
    confirm_reads(standing, turn);
    return round;
}

// As many as commit fetched in this epoch after the round began, so no other was open before it.
void Primary::confirm_reads(const Standing& standing, const Turn& turn) {
    if (planted(Fault::reads_without_round)) {
        turn.effects.confirmed = feed_.round();
        return;
    }
    if (standing.high_watermark <= barrier_) {
        return;
    }
    const auto quorum_round = [&](const std::vector<Member>& in_sync) {
        PartitionConfig config = standing.config.config;
        config.in_sync = in_sync;
        std::vector<std::uint64_t> rounds;
        for (const Member& member : in_sync) {
            const Feed::Peer* const peer = feed_.proven(member);
            rounds.push_back(member.node == standing.self.node ? feed_.round()
                             : peer == nullptr                 ? 0
                                                               : peer->round);
        }
        std::sort(rounds.begin(), rounds.end(), std::greater<>());
        return rounds.at(config.commit_quorum() - 1);
    };
    std::uint64_t round = quorum_round(standing.config.config.in_sync);
    if (wish_) {
        round = std::min(round, quorum_round(wish_->in_sync));
    }
    if (round > confirmed_) {
        confirmed_ = round;
        turn.effects.confirmed = round;
    }
}

}  // namespace skald::broker::replication
