#include "broker/subscription.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "broker/limits.h"

namespace skald::broker {
namespace {

namespace msg = wire::msg;

// What `told` says of the partition; nullptr when nothing. Both lists rise, so `hint` walks along.
const PartitionPosition* find(const Position& told, Partition partition, std::size_t& hint) {
    while (hint < told.partitions.size() && told.partitions[hint].partition < partition) {
        ++hint;
    }
    const bool found =
        hint < told.partitions.size() && told.partitions[hint].partition == partition;
    return found ? &told.partitions[hint] : nullptr;
}

}  // namespace

Subscription::Subscription(std::uint64_t id, std::unique_ptr<store::Cursor> cursor)
    : id_(id), cursor_(std::move(cursor)) {}

void Subscription::grant(std::uint64_t events, std::uint64_t bytes) {
    events_ = std::max(events_, std::min(events, sent_events_ + kCreditEventsMax));
    bytes_ = std::max(bytes_, std::min(bytes, sent_bytes_ + kCreditBytesMax));
    if (has_credit()) {
        whole_events_ = std::max(whole_events_, (events_ - sent_events_) / 2);
        whole_bytes_ = std::max(whole_bytes_, (bytes_ - sent_bytes_) / 2);
    }
}

Position Subscription::changes() {
    const Position& now = cursor_->position();
    Position moved{now.cluster, {}};
    std::size_t hint = 0;
    for (const PartitionPosition& place : now.partitions) {
        const PartitionPosition* told = find(told_, place.partition, hint);
        if (told == nullptr || *told != place) {
            moved.partitions.push_back(place);
        }
    }
    told_ = now;
    return moved;
}

std::uint64_t Subscription::unreported() const {
    std::uint64_t records = 0;
    std::size_t hint = 0;
    for (const PartitionPosition& place : cursor_->position().partitions) {
        const PartitionPosition* told = find(told_, place.partition, hint);
        records += place.next.value - (told == nullptr ? 0 : told->next.value);
    }
    return records;
}

void Subscription::begin(PeerId peer, Effects& effects) {
    told_ = cursor_->position();
    effects.send(peer, msg::Subscribed{id_, told_});
}

void Subscription::deliver(PeerId peer, store::Step step, Effects& effects) {
    msg::Deliver deliver;
    deliver.subscription = id_;
    std::vector<Frame> bodies;
    bodies.reserve(step.chunks.size());
    for (store::Chunk& chunk : step.chunks) {
        deliver.chunks.push_back({chunk.partition, chunk.events, chunk.first, chunk.next});
        sent_events_ += chunk.events;
        sent_bytes_ += chunk.frame->size();
        bodies.push_back(std::move(chunk.frame));
    }
    deliver.position = changes();
    effects.send(peer, std::move(deliver), std::move(bodies));
}

bool Subscription::step(PeerId peer, std::size_t room, Effects& effects) {
    SKALD_CHECK(has_credit(), "a step without credit");
    store::ReadBudget budget;
    budget.events = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(events_ - sent_events_, limits::kBatchRecordsMax));
    budget.bytes = std::min(bytes_ - sent_bytes_, static_cast<std::uint64_t>(room));
    budget.whole_events = static_cast<std::uint32_t>(whole_events_);
    budget.whole_bytes = std::min(whole_bytes_, static_cast<std::uint64_t>(room));
    budget.aim = kDeliverBytes;
    budget.records = limits::kStepRecordsMax;
    auto step = cursor_->next(budget);
    if (!step) {
        effects.send(peer, msg::Ended{id_, step.error(), cursor_->position()});
        return false;
    }
    news_ = !step->end;
    wants_events_ = step->wants_events;
    wants_bytes_ = step->wants_bytes;
    const bool end = step->end;
    if (!end && live_) {
        live_ = false;
        effects.send(peer, msg::FellBehind{id_, Position{told_.cluster, {}}});
    }
    if (!step->chunks.empty()) {
        deliver(peer, std::move(*step), effects);
    } else if ((end && !live_) || unreported() >= kCheckpointRecords) {
        report(peer, effects);
    }
    if (end && !live_) {
        live_ = true;
        effects.send(peer, msg::CaughtUp{id_, changes()});
    }
    return true;
}

void Subscription::report(PeerId peer, Effects& effects) {
    Position moved = changes();
    if (!moved.partitions.empty()) {
        effects.send(peer, msg::Checkpoint{id_, std::move(moved)});
    }
}

// While stored events wait to be sent, half of the credit is theirs: as much as a batch of them may
// ask for.
bool Subscription::can_spare(std::size_t bytes) const {
    if (!has_credit() || !news_) {
        return has_credit();
    }
    return events_ - sent_events_ > whole_events_ + 1 &&
           bytes_ - sent_bytes_ > whole_bytes_ + bytes;
}

bool Subscription::send_ephemeral(PeerId peer, const Frame& frame, bool room, Effects& effects) {
    if (!room || !can_spare(frame->size())) {
        ++dropped_;
        return false;
    }
    tell_dropped(peer, effects);
    ++sent_events_;
    sent_bytes_ += frame->size();
    effects.send(peer, msg::Ephemeral{id_}, {frame});
    return true;
}

// Not while there is no credit: one message then tells of all.
void Subscription::tell_dropped(PeerId peer, Effects& effects) {
    if (owes_dropped()) {
        effects.send(peer, msg::Dropped{id_, std::exchange(dropped_, 0)});
    }
}

}  // namespace skald::broker
