#include "broker/replication/follower.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/replication/planted.h"

namespace skald::broker::replication {
namespace {

// Each where the one before ends, in epochs that rise, the first where the log ends.
bool continues(const std::vector<BatchHead>& batches, const Turn& turn, Epoch epoch) {
    Offset end = turn.log.end();
    auto chain = turn.log.chain_at(end);
    Epoch last = turn.log.epochs().last();
    for (const BatchHead& batch : batches) {
        if (batch.base != end || batch.end <= end || chain != batch.chain_before ||
            batch.epoch < last || batch.epoch > epoch) {
            return false;
        }
        end = batch.end;
        chain = batch.chain;
        last = batch.epoch;
    }
    return true;
}

}  // namespace

Follower::Follower(Standing& standing, const Turn& turn)
    : primary_(standing.config.config.primary),
      epoch_(standing.config.config.epoch),
      heard_(turn.now) {
    if (planted(Fault::cuts_to_high_watermark) && standing.high_watermark < turn.log.end()) {
        changing_ = true;
        turn.effects.cut = standing.high_watermark;
        return;
    }
    ask(standing, turn);
}

void Follower::ask(Standing& standing, const Turn& turn) {
    asked_for_ = ++standing.fetches;
    const auto chain = turn.log.chain_at(turn.log.end());
    asked_ = turn.now;
    standing.send(standing.config.config.primary,
                  Fetch{turn.log.end(), turn.log.epochs().last(), *chain, round_, asked_for_},
                  turn);
}

std::optional<std::string> Follower::on_answer(const Message& message, const FetchAnswer& answer,
                                               Standing& standing, const Turn& turn) {
    heard_ = turn.now;
    round_ = std::max(round_, answer.round);
    if (changing_ || answer.number != asked_for_) {
        return std::nullopt;
    }
    if (answer.diverged) {
        return part(*answer.diverged, standing, turn);
    }
    if (answer.below_start) {
        changing_ = turn.effects.snapshot = true;
        return std::nullopt;
    }
    if (!continues(answer.batches, turn, message.epoch)) {
        turn.effects.alarms.push_back(fmt::format("replica {} sent what does not continue the log",
                                                  to_string(message.from.node)));
        return std::nullopt;
    }
    committed_ = std::max(committed_, answer.high_watermark);
    if (!answer.batches.empty()) {
        changing_ = turn.effects.store = true;
        return std::nullopt;
    }
    log_changed(standing, turn);
    return std::nullopt;
}

// The logs part somewhere below: what only this one has is put aside, epoch by epoch, until the
// primary finds what is left in its own.
std::optional<std::string> Follower::part(const EpochEnd& theirs, const Standing& standing,
                                          const Turn& turn) {
    const EpochEnd ours = turn.log.epochs().end_of(theirs.epoch, turn.log.end());
    const Offset to = std::max(std::min(ours.end, theirs.end), turn.log.start());
    if (to >= turn.log.end()) {
        return fmt::format("its log differs from the primary's within epoch {}, below offset {}",
                           theirs.epoch.value, to.value);
    }
    if (to < standing.high_watermark) {
        return fmt::format(
            "its log parts from the primary's at offset {}, below its "
            "high-watermark {}",
            to.value, standing.high_watermark.value);
    }
    changing_ = true;
    turn.effects.cut = to;
    return std::nullopt;
}

void Follower::log_changed(Standing& standing, const Turn& turn) {
    changing_ = false;
    standing.raise_high_watermark(std::min(committed_, turn.log.end()), turn);
    ask(standing, turn);
}

void Follower::tick(Standing& standing, const Turn& turn) {
    if (!changing_ && turn.now - asked_ >= standing.times.patience) {
        ask(standing, turn);
    }
}

bool Follower::would_claim(const Standing& standing, const Turn& turn) const {
    const PartitionConfig& config = standing.config.config;
    if (!config.proves(standing.self)) {
        return false;
    }
    int rank = 0;
    for (const Member& member : config.in_sync) {
        if (member.node == standing.self.node) {
            break;
        }
        rank += member.node != config.primary && !standing.is_lost(member.node) ? 1 : 0;
    }
    const auto wait = standing.times.rank * rank;
    const auto it = standing.nodes.find(config.primary);
    const bool lost =
        it != standing.nodes.end() && it->second.lost && turn.now - *it->second.lost >= wait;
    return lost || turn.now - heard_ >= standing.times.silence + wait;
}

}  // namespace skald::broker::replication
