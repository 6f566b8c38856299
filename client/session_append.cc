// Appends and changes of a session: sequences, credit, receipts, and what a broken connection
// leaves open.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client/session.h"

namespace skald::client {
namespace {

namespace msg = wire::msg;

constexpr auto kResendPause = std::chrono::milliseconds(50);

// Whether this refusal, of a request that was sent before without an answer, proves that nothing of
// it was written the first time. A change may be refused because of what it did itself: the stream
// that it deleted is not there any more.
bool proves_nothing_written(const Sequenced& call, Errc code) {
    switch (class_of(code)) {
        case ErrorClass::conflict:
            return call.lifecycle ? code == Errc::already_rejected
                                  : code != Errc::fenced && code != Errc::partly_repeated;
        case ErrorClass::usage:
            return code != Errc::sequence_gap;
        case ErrorClass::not_found:
            return !call.lifecycle;
        default:
            return false;
    }
}

bool may_pass(Errc code) {
    return class_of(code) == ErrorClass::unavailable;
}

}  // namespace

void Session::submit(std::unique_ptr<Sequenced> call) {
    if (state_ == State::ready && waiting_.empty() && !resend_at_ && !resends_wait_) {
        Lane& lane = lane_of(*call);
        if (!lane.has_room()) {
            lane.held.push_back(std::move(call));
            return;
        }
        if (has_credit(call->bytes())) {
            send_first(std::move(call));
            return;
        }
    }
    waiting_.push_back(std::move(call));
}

bool Session::has_credit(std::size_t bytes) const {
    return requests_in_flight_ < credit_requests_ &&
           (bytes_in_flight_ + bytes <= credit_bytes_ || requests_in_flight_ == 0);
}

Session::Lane& Session::lane_of(const Sequenced& call) {
    return lanes_[std::min<std::size_t>(call.partition.value, lanes_.size() - 1)];
}

void Session::send_first(std::unique_ptr<Sequenced> call) {
    Lane& lane = lane_of(*call);
    lane.sent.push_back(std::move(call));
    send(lane, lane.sent.size() - 1);
    lane.resend = lane.sent.size();
}

void Session::send(Lane& lane, std::size_t i) {
    Sequenced& call = *lane.sent[i];
    const std::uint64_t id = lane.base + i;
    call.connection = connection_;
    ++call.sends;
    bytes_in_flight_ += call.bytes();
    ++requests_in_flight_;
    said_ = now_;
    effects_.sequenced.push_back({&call, id, lane.base, std::max(lane.last_unresolved, lane.base)});
    lane.last_unresolved = id + 1;
}

// False when credit ended first.
bool Session::send_again() {
    for (Lane& lane : lanes_) {
        for (; lane.resend < lane.sent.size(); ++lane.resend) {
            const Sequenced* call = lane.sent[lane.resend].get();
            const bool here = call == nullptr || call->connection == connection_;
            if (here) {
                continue;
            }
            if (!has_credit(call->bytes())) {
                return false;
            }
            send(lane, lane.resend);
        }
    }
    return true;
}

void Session::send_more() {
    if (state_ != State::ready || resend_at_) {
        return;
    }
    resends_wait_ = !send_again();
    if (resends_wait_) {
        return;
    }
    for (Lane& lane : lanes_) {
        while (!lane.held.empty() && lane.sent_has_room() &&
               has_credit(lane.held.front()->bytes())) {
            send_first(std::move(lane.held.front()));
            lane.held.pop_front();
        }
    }
    while (!waiting_.empty() && has_credit(waiting_.front()->bytes())) {
        Lane& lane = lane_of(*waiting_.front());
        if (lane.has_room()) {
            send_first(std::move(waiting_.front()));
        } else {
            // Its partition is full: those of others go on.
            lane.held.push_back(std::move(waiting_.front()));
        }
        waiting_.pop_front();
    }
}

void Session::settle(Lane& lane, std::size_t i, Result<Written> outcome) {
    const Sequenced& call = *lane.sent[i];
    if (call.connection == connection_ && requests_in_flight_ != 0) {
        --requests_in_flight_;
        bytes_in_flight_ -= std::min<std::uint64_t>(call.bytes(), bytes_in_flight_);
    }
    resolve(std::move(lane.sent[i]), std::move(outcome));
}

void Session::resolve(std::unique_ptr<Sequenced> call, Result<Written> outcome) {
    auto& list = call->at_once ? effects_.resolved_at_once : effects_.resolved;
    list.push_back({std::move(call), std::move(outcome)});
}

void Session::trim(Lane& lane) {
    while (!lane.sent.empty() && lane.sent.front() == nullptr) {
        lane.sent.pop_front();
        ++lane.base;
        lane.resend -= lane.resend != 0 ? 1 : 0;
    }
}

Written Session::written(const msg::ReceiptRange& range, std::uint32_t i) const {
    return {.cluster = welcome_.cluster,
            // The caller has looked that the partition is one of Welcome's.
            .lineage = lineages_[range.partition.value],
            .version = range.versions.empty()
                           ? range.version + std::uint64_t{i} * range.version_step
                           : Version{range.versions[i]},
            .partition = range.partition,
            .offset = range.offset + std::uint64_t{i} * range.offset_step,
            .epoch = range.epoch,
            .digest = range.digest,
            .repeated = range.repeated,
            .primary = range.primary};
}

void Resolved::finish() {
    if (!outcome) {
        // Each alone might have had its place in a queue that holds less than all of them.
        if (outcome.error().code == Errc::request_too_large && call->members.size() > 1) {
            outcome = Error(Errc::busy, fmt::format("{} appends waited and went together: {}",
                                                    call->members.size(), outcome.error().message));
        }
        for (const Member& member : call->members) {
            member.done(outcome.error());
        }
        return;
    }
    std::uint64_t behind = 0;
    for (const Member& member : call->members) {
        behind += member.events;
    }
    for (const Member& member : call->members) {
        behind -= member.events;
        member.done(receipt(member, behind));
    }
}

// `behind`: events of the request that come after the member's.
Receipt Resolved::receipt(const Member& member, std::uint64_t behind) const {
    Receipt receipt;
    receipt.stream = call->stream;
    receipt.version = Version{outcome->version.value - behind};
    receipt.partition = outcome->partition;
    receipt.offset = Offset{outcome->offset.value - behind};
    receipt.id = member.last_id;
    receipt.repeated = outcome->repeated;
    receipt.durability = outcome->primary ? Ack::primary : Ack::quorum;
    receipt.position.cluster = outcome->cluster;
    if (outcome->lineage) {
        receipt.position.partitions.push_back({outcome->partition, *outcome->lineage,
                                               outcome->epoch, receipt.offset + 1,
                                               outcome->digest});
    }
    return receipt;
}

void Session::on(msg::Receipts& receipts, std::vector<Body>&) {
    for (const msg::ReceiptRange& range : receipts.ranges) {
        if (range.partition.value >= lanes_.size()) {
            continue;
        }
        Lane& lane = lanes_[range.partition.value];
        for (std::uint32_t i = 0; i < range.count; ++i) {
            const std::uint64_t id = range.first_id + i;
            if (id < lane.base) {
                continue;
            }
            const std::size_t at = id - lane.base;
            if (at >= lane.sent.size()) {
                break;
            }
            if (lane.sent[at] && lane.sent[at]->connection == connection_) {
                settle(lane, at, written(range, i));
            }
        }
        trim(lane);
    }
    send_more();
}

void Session::refuse(Lane& lane, std::size_t i, Error error) {
    Sequenced& call = *lane.sent[i];
    if (call.sends == 1 || proves_nothing_written(call, error.code)) {
        settle(lane, i, std::move(error));
        return;
    }
    if (!may_pass(error.code)) {
        settle(lane, i,
               Error(Errc::outcome_unknown,
                     fmt::format("the connection broke before the answer came; sent again, "
                                 "the answer was: {}",
                                 error.message)));
        return;
    }
    if (call.connection == connection_ && requests_in_flight_ != 0) {
        --requests_in_flight_;
        bytes_in_flight_ -= std::min<std::uint64_t>(call.bytes(), bytes_in_flight_);
    }
    call.connection = 0;
    lane.resend = std::min(lane.resend, i);
    lane.last_unresolved = std::min(lane.last_unresolved, lane.base + i);
    resend_at_ = now_ + kResendPause;
}

void Session::on(msg::Rejected& rejected, std::vector<Body>& bodies) {
    if (rejected.id >= msg::kFirstPlainId) {
        if (subscriptions_.contains(rejected.id)) {
            end(rejected.id, std::move(rejected.error));
            return;
        }
        if (!refuse_service(rejected)) {
            refuse_plain(rejected, bodies);
        }
        return;
    }
    if (rejected.partition.value >= lanes_.size()) {
        return;
    }
    Lane& lane = lanes_[rejected.partition.value];
    const std::uint64_t at = rejected.id - lane.base;
    if (rejected.id < lane.base || at >= lane.sent.size() || lane.sent[at] == nullptr ||
        lane.sent[at]->connection != connection_) {
        return;
    }
    refuse(lane, at, std::move(rejected.error));
    trim(lane);
    send_more();
}

void Session::time_out(std::deque<std::unique_ptr<Sequenced>>& unsent, Monotonic now) {
    while (!unsent.empty() && unsent.front()->deadline <= now) {
        resolve(std::move(unsent.front()), not_sent());
        unsent.pop_front();
    }
}

void Session::time_out(Monotonic now) {
    for (Lane& lane : lanes_) {
        for (std::size_t i = 0; i < lane.sent.size(); ++i) {
            if (lane.sent[i] == nullptr) {
                continue;
            }
            if (lane.sent[i]->deadline > now) {
                break;
            }
            settle(lane, i,
                   Error(Errc::outcome_unknown,
                         fmt::format("{}; it may have been written: sent again with the same ids "
                                     "and checked for them, the answer tells",
                                     no_answer())));
        }
        trim(lane);
        time_out(lane.held, now);
    }
    time_out(waiting_, now);
    time_out_plain(now);
    for (auto it = subscriptions_.begin(); it != subscriptions_.end();) {
        if (!it->second.done || it->second.deadline > now) {
            ++it;
            continue;
        }
        effects_.calls.push_back([done = std::move(it->second.done),
                                  late = Error(Errc::timed_out, no_answer())] { done(late); });
        it = subscriptions_.erase(it);
    }
}

}  // namespace skald::client
