#include "broker/replication/takeover.h"

#include <algorithm>
#include <tuple>

#include "broker/replication/planted.h"

namespace skald::broker::replication {

Takeover::Takeover(Standing& standing, const Turn& turn) : since_(turn.now) {
    if (standing.config.config.proves(standing.self)) {
        answers_[standing.self.node] = {turn.log.epochs().last(), turn.log.end()};
    }
    fence(standing, turn);
    go_on(standing, turn);
}

void Takeover::fence(const Standing& standing, const Turn& turn) {
    fenced_ = turn.now;
    for (const Member& member : standing.config.config.in_sync) {
        if (!answers_.contains(member.node)) {
            standing.send(member.node, Fence{}, turn);
        }
    }
}

void Takeover::on_fence_answer(const Message& message, const FenceAnswer& answer,
                               Standing& standing, const Turn& turn) {
    if (standing.config.config.proves(message.from)) {
        answers_.insert_or_assign(message.from.node, answer);
        go_on(standing, turn);
    }
}

// A log that is not known to lead must not make anybody cut another one.
void Takeover::on_fetch(const Message& message, const Fetch& fetch, Standing& standing,
                        const Turn& turn) {
    if (!leading_ && !planted(Fault::serves_before_leading)) {
        early_.insert_or_assign(message.from.node, message);
        return;
    }
    feed_.on_fetch(message.from, fetch, standing, turn);
    go_on(standing, turn);
}

void Takeover::tick(Standing& standing, const Turn& turn) {
    if (!leading_ && turn.now - fenced_ >= standing.times.patience) {
        fence(standing, turn);
    }
    feed_.serve(standing, turn);
    go_on(standing, turn);
}

void Takeover::go_on(Standing& standing, const Turn& turn) {
    if (!standing.proposals.may_propose(turn)) {
        return;
    }
    if (!leading_ && !decide(standing, turn)) {
        return;
    }
    open(standing, turn);
}

// Those that are lost are not waited for.
bool Takeover::all_answered(const Standing& standing) const {
    const auto& in_sync = standing.config.config.in_sync;
    return std::all_of(in_sync.begin(), in_sync.end(), [&](const Member& member) {
        return answers_.contains(member.node) || standing.is_lost(member.node);
    });
}

bool Takeover::decide(Standing& standing, const Turn& turn) {
    const PartitionConfig& config = standing.config.config;
    if (answers_.size() < config.election_quorum() ||
        (!all_answered(standing) && turn.now - since_ < standing.times.gather)) {
        return false;
    }
    const auto length = [](const auto& answer) {
        return std::tuple(answer.second.last_epoch, answer.second.end);
    };
    const auto best =
        std::max_element(answers_.begin(), answers_.end(),
                         [&](const auto& a, const auto& b) { return length(a) < length(b); });
    const auto own = answers_.find(standing.self.node);
    if (own == answers_.end() ||
        (length(*own) < length(*best) && !planted(Fault::first_log_leads))) {
        PartitionConfig next = config;
        next.primary = best->first;
        standing.proposals.propose(std::move(next), {}, standing.config, standing.self, turn);
        return false;
    }
    leading_ = true;
    since_ = turn.now;
    for (const auto& [node, message] : std::exchange(early_, {})) {
        feed_.on_fetch(message.from, std::get<Fetch>(message.body), standing, turn);
    }
    return true;
}

// In sync are those that have all of its log. Fewer than must be could commit nothing: then it
// stays closed, and those that were in sync remain so.
void Takeover::open(Standing& standing, const Turn& turn) {
    PartitionConfig next = standing.config.config;
    std::vector<Member> joining = feed_.caught_up(turn.log.end(), standing, turn);
    next.in_sync = joining;
    next.in_sync.push_back(standing.self);
    const auto& before = standing.config.config.in_sync;
    const bool all = std::all_of(before.begin(), before.end(), [&](const Member& member) {
        return next.find(member.node) != nullptr || standing.is_lost(member.node);
    });
    if (next.in_sync.size() < next.min_in_sync ||
        (!all && turn.now - since_ < standing.times.gather)) {
        return;
    }
    next.open = true;
    standing.proposals.propose(std::move(next), std::move(joining), standing.config, standing.self,
                               turn);
}

}  // namespace skald::broker::replication
