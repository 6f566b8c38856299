#include "broker/replication/feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "broker/replication/planted.h"

namespace skald::broker::replication {
namespace {

bool below_or_at(const LogView& log, const Fetch& fetch) {
    return fetch.end <= log.end() &&
           (planted(Fault::chain_not_compared) || log.chain_at(fetch.end) == fetch.chain);
}

}  // namespace

// False: of a process that ended.
bool Feed::admit(Peer& peer, const Member& from, const Fetch& fetch, const Turn& turn) {
    if (from.incarnation < peer.incarnation) {
        return false;
    }
    if (from.incarnation > peer.incarnation) {
        const Peer before = std::exchange(peer, Peer{});
        peer.incarnation = from.incarnation;
        peer.caught_up = before.incarnation == 0 ? turn.now : before.caught_up;
        if (before.matched && fetch.end < before.durable) {
            peer.lost_data = true;
            turn.effects.alarms.push_back(
                fmt::format("replica {} had acknowledged up to offset {} and comes back with {}: "
                            "its disk lost what it had synced",
                            to_string(from.node), before.durable.value, fetch.end.value));
        }
    }
    peer.heard = turn.now;
    return true;
}

void Feed::matched(Peer& peer, const Fetch& fetch, const Turn& turn) const {
    peer.matched = true;
    peer.durable = std::max(peer.durable, fetch.end);
    peer.round = std::max(peer.round, std::min(fetch.round, round_));
    if (fetch.end >= turn.log.end()) {
        peer.caught_up = turn.now;
    } else if (peer.answered_end != Offset{} && fetch.end >= peer.answered_end) {
        peer.caught_up = peer.answered;
    }
    peer.waits = fetch;
    peer.waits_since = turn.now;
}

void Feed::on_fetch(const Member& from, const Fetch& fetch, Standing& standing, const Turn& turn) {
    Peer& peer = peers_[from.node];
    if (!admit(peer, from, fetch, turn)) {
        return;
    }
    if (fetch.end < turn.log.start()) {
        FetchAnswer answer = answer_to(fetch, standing);
        answer.below_start = true;
        return standing.send(from.node, std::move(answer), turn);
    }
    if (!below_or_at(turn.log, fetch)) {
        FetchAnswer answer = answer_to(fetch, standing);
        answer.diverged = turn.log.epochs().end_of(fetch.last_epoch, turn.log.end());
        return standing.send(from.node, std::move(answer), turn);
    }
    matched(peer, fetch, turn);
    if (has_news(peer, standing, turn)) {
        answer(from.node, peer, standing, turn);
    }
}

FetchAnswer Feed::answer_to(const Fetch& fetch, const Standing& standing) const {
    return {fetch.number, fetch.end, standing.high_watermark, round_, {}, false, {}};
}

bool Feed::has_news(const Peer& peer, const Standing& standing, const Turn& turn) const {
    const auto waited = turn.now - peer.waits_since;
    return turn.log.end() > peer.waits->end || peer.waits->round < round_ ||
           waited >= standing.times.beat ||
           (standing.high_watermark > peer.told && waited >= standing.times.news);
}

void Feed::answer(const Uuid& to, Peer& peer, const Standing& standing, const Turn& turn) const {
    standing.send(to, answer_to(*peer.waits, standing), turn);
    peer.waits.reset();
    peer.answered = turn.now;
    peer.answered_end = turn.log.end();
    peer.told = standing.high_watermark;
}

void Feed::serve(const Standing& standing, const Turn& turn) {
    for (auto& [node, peer] : peers_) {
        if (peer.waits && has_news(peer, standing, turn)) {
            answer(node, peer, standing, turn);
        }
    }
}

std::uint64_t Feed::begin_round(const Standing& standing, const Turn& turn) {
    ++round_;
    serve(standing, turn);
    return round_;
}

std::vector<Member> Feed::caught_up(Offset end, const Standing& standing, const Turn& turn) const {
    std::vector<Member> members;
    for (const auto& [node, peer] : peers_) {
        const Member member{node, peer.incarnation};
        if (peer.matched && !peer.lost_data &&
            (peer.durable >= end || planted(Fault::joins_behind)) &&
            turn.now - peer.heard < standing.times.lag && standing.is_registered(member) &&
            standing.config.config.is_replica(node)) {
            members.push_back(member);
        }
    }
    return members;
}

const Feed::Peer* Feed::proven(const Member& member) const {
    const auto it = peers_.find(member.node);
    const bool same = it != peers_.end() && it->second.incarnation >= member.incarnation;
    return same ? &it->second : nullptr;
}

Offset Feed::durable(const Member& member) const {
    const Peer* const peer = proven(member);
    return peer == nullptr ? Offset{} : peer->durable;
}

Offset quorum_end(const PartitionConfig& config, const Feed& feed, const Member& self,
                  Offset own_end) {
    std::vector<Offset> ends;
    for (const Member& member : config.in_sync) {
        ends.push_back(member.node == self.node ? own_end : feed.durable(member));
    }
    std::sort(ends.begin(), ends.end(), std::greater<>());
    const std::size_t quorum = config.commit_quorum();
    return ends.at(planted(Fault::one_copy_too_few) && quorum > 1 ? quorum - 2 : quorum - 1);
}

}  // namespace skald::broker::replication
