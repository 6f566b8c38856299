#include "broker/replication/standing.h"

#include "base/check.h"

namespace skald::broker::replication {
namespace {

constexpr std::chrono::milliseconds kRefusedWait{200};

}  // namespace

void Proposals::propose(PartitionConfig config, std::vector<Member> joining,
                        const StoredConfig& now, const Member& self, const Turn& turn) {
    SKALD_CHECK(!proposal_, "one change of the configuration at a time");
    config.claim = {self, ++number_};
    proposal_ = Proposal{now.revision, std::move(config), std::move(joining)};
    asked_ = turn.now;
    unknown_ = false;
    turn.effects.proposal = proposal_;
}

// Nothing changed: a member that was to join is registered as another process.
void Proposals::settled(const StoredConfig& stored, const Turn& turn) {
    if (proposal_ && stored.revision == proposal_->expected) {
        not_before_ = turn.now + kRefusedWait;
    }
    proposal_.reset();
}

void Proposals::seen(const StoredConfig& stored, const Turn& turn) {
    if (!proposal_) {
        return;
    }
    if (stored.revision > proposal_->expected) {
        proposal_.reset();
    } else if (unknown_ && stored.revision == proposal_->expected) {
        unknown_ = false;
        asked_ = turn.now;
        turn.effects.proposal = proposal_;
    }
}

void Proposals::unknown(const Turn& turn) {
    unknown_ = true;
    turn.effects.read_config = true;
}

void Proposals::tick(std::chrono::milliseconds settle, const Turn& turn) {
    if (proposal_ && turn.now - asked_ >= settle) {
        asked_ = turn.now;
        unknown(turn);
    }
}

bool Standing::is_lost(const Uuid& node) const {
    const auto it = nodes.find(node);
    return it != nodes.end() && it->second.lost.has_value();
}

bool Standing::is_registered(const Member& member) const {
    const auto it = nodes.find(member.node);
    return it != nodes.end() && it->second.incarnation == member.incarnation;
}

void Standing::raise_high_watermark(Offset to, const Turn& turn) {
    if (to > high_watermark) {
        high_watermark = to;
        turn.effects.high_watermark = to;
    }
}

void Standing::send(const Uuid& to, Body body, const Turn& turn) const {
    const auto* const answer = std::get_if<FetchAnswer>(&body);
    const bool batches = answer != nullptr && !answer->diverged && !answer->below_start;
    turn.effects.sends.push_back(
        {to, {config.config.log, config.config.epoch, self, std::move(body)}, batches});
}

}  // namespace skald::broker::replication
