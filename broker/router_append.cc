// Appends and changes: from a message to a submission, and from an outcome to a receipt.
#include <fmt/format.h>

#include <utility>

#include "broker/limits.h"
#include "broker/router.h"
#include "wire/envelope.h"

namespace skald::broker {
namespace {

namespace msg = wire::msg;

}  // namespace

void Router::refuse(Session& session, std::uint64_t id, Error error, Partition partition) {
    ++counters_.rejected[static_cast<std::size_t>(class_of(error.code))];
    effects_->send(session.peer, msg::Rejected{id, partition, std::move(error)});
}

std::optional<Error> Router::gate(Session& session, std::size_t bytes) {
    if (draining_) {
        return Error(Errc::shutting_down, "the node is going down");
    }
    if (!session.within_credit(bytes)) {
        ++session.requests_refused;
        session.bytes_refused += bytes;
        return Error(Errc::busy,
                     fmt::format("{} requests of {} bytes are unanswered: beyond credit",
                                 session.requests_in_flight, session.bytes_in_flight));
    }
    // A block stays for one request in it, so the blocks count as well.
    const std::size_t most = parts_.limits.request_bytes_in_flight;
    if (bytes_held() + bytes + kRequestCost > most ||
        arena_.owned_bytes() > most + kRoundBytesMax) {
        return Error(Errc::busy, "the node has all the requests it can hold");
    }
    return std::nullopt;
}

std::optional<Error> Router::check_rights(const Session& session,
                                          const wire::RequestView& view) const {
    const wire::RequestHeader& header = view.header();
    if (!session.rights.writes_all()) {
        for (std::uint32_t i = 0; i < header.streams; ++i) {
            const std::string_view stream = view.name(view.stream(i).name);
            if (!session.rights.may_write(stream)) {
                return Error(Errc::forbidden, fmt::format("no right to write {:?}", stream));
            }
        }
    }
    if (session.rights.reads_all()) {
        return std::nullopt;
    }
    for (std::uint32_t i = 0; i < header.checks; ++i) {
        const std::string_view stream = view.name(view.check(i).name);
        if (!session.rights.may_read(stream) && !session.rights.may_write(stream)) {
            return Error(Errc::forbidden, fmt::format("no right to check {:?}", stream));
        }
    }
    if (view.has_query()) {
        return Error(Errc::forbidden, "a query check needs the right to read everything");
    }
    return std::nullopt;
}

// A sequence that the node itself refused, or that the client gave up, leaves a gap in the log's
// eyes. The node closes it where it knows that no message is missing.
Result<Producer> Router::sequence(Session& session, const Sequenced& request) {
    Session::Due& due = session.due[request.partition.value];
    const bool complete = request.after <= (due.known ? due.next : request.resolved_below);
    if (due.known && !complete) {
        return Error(Errc::sequence_gap, fmt::format("sequence {} follows {}, but {} was due",
                                                     request.id, request.after, due.next));
    }
    if (!due.known || request.id >= due.next) {
        due = {request.id + 1, true};
    }
    return Producer{session.producer, session.epoch, request.id,
                    complete ? request.id : std::min(request.id, request.resolved_below)};
}

std::uint64_t Router::new_slot() {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const std::uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    return slot;
}

bool Router::submit(Session& session, const wire::RequestView& view, const Sequenced& request,
                    RequestArena::Block* block) {
    auto producer = sequence(session, request);
    if (!producer) {
        refuse(session, request.id, std::move(producer.error()), request.partition);
        return false;
    }
    const std::uint64_t tag = new_slot();
    const std::size_t bytes = view.bytes().size();
    const bool primary = (view.header().flags & wire::kRequestAckPrimary) != 0;
    slots_[tag] = {session.peer, round_, session.serial,    request.id,
                   bytes,        block,  request.partition, primary};
    ++rounds_[round_].live;
    session.bytes_in_flight += bytes;
    ++session.requests_in_flight;
    bytes_in_flight_ += bytes + kRequestCost;
    if (session.round.empty()) {
        touched_.push_back(&session);
    }
    session.round.push_back({view, *producer, &parts_.listener, tag});
    return true;
}

bool Router::on(Session& session, Arrival& arrival, const msg::Append& append) {
    const bool inlined = !append.request.empty();
    Bytes left = inlined ? append.request : arrival.body.bytes;
    RequestArena::Block* block = (inlined ? arrival.envelope : arrival.body).block;
    bool taken = false;
    Sequenced request{append.id, append.resolved_below, append.after, append.partition};
    const bool shaped = arrival.frames == (inlined ? 1U : 2U) && append.count != 0 &&
                        append.count <= wire::kAppendRequestsMax;
    for (std::uint32_t i = 0; i < (shaped ? append.count : 1); ++i, ++request.id) {
        const Bytes bytes = i + 1 < append.count ? wire::first_request(left) : left;
        auto ok = shaped && !bytes.empty()
                      ? append_one(session, bytes, request, block)
                      : Error(Errc::malformed, "append with parts missing or too many");
        if (!ok) {
            deny(session, request, std::move(ok.error()));
        } else if (*ok) {
            // Each request keeps the block until it is answered.
            if (taken) {
                arena_.retain(block);
            }
            taken = true;
        }
        if (bytes.empty()) {
            break;
        }
        left = left.subspan(std::min(left.size(), align8(bytes.size())));
        request.after = request.id + 1;
    }
    return taken;
}

// The sequence is spoken for all the same: those behind it are not gaps.
void Router::deny(Session& session, const Sequenced& request, Error error) {
    if (request.id < msg::kFirstPlainId && request.partition.value < session.due.size()) {
        (void)sequence(session, request);
    }
    refuse(session, request.id, std::move(error), request.partition);
}

// False when it was refused already.
Result<bool> Router::append_one(Session& session, Bytes bytes, const Sequenced& request,
                                RequestArena::Block* block) {
    if (request.id >= msg::kFirstPlainId || request.partition.value >= session.due.size()) {
        return Error(Errc::malformed, "append with an id or partition out of range");
    }
    if (auto closed = gate(session, bytes.size())) {
        return std::move(*closed);
    }
    auto view = wire::RequestView::open(bytes);
    if (!view) {
        return view.error();
    }
    if (auto forbidden = check_rights(session, *view)) {
        return std::move(*forbidden);
    }
    auto partition = parts_.volume.partition_of(*view);
    if (!partition) {
        return partition.error();
    }
    if (*partition != request.partition) {
        return Error(Errc::invalid_argument,
                     fmt::format("the streams live in partition {}, not in {}", partition->value,
                                 request.partition.value));
    }
    return submit(session, *view, request, block);
}

bool Router::on(Session& session, Arrival&, const msg::ChangeStream& change) {
    const Sequenced request{change.id, change.resolved_below, change.after, change.partition};
    const auto refused = [&](Error error) {
        deny(session, request, std::move(error));
        return false;
    };
    if (change.id >= msg::kFirstPlainId ||
        change.partition != parts_.volume.partition_of(change.lifecycle.stream)) {
        return refused(Error(Errc::malformed, "change with an id or partition out of range"));
    }
    if (auto closed = gate(session, change.lifecycle.stream.size())) {
        return refused(std::move(*closed));
    }
    if (!session.rights.may_administer(change.lifecycle.stream)) {
        return refused(Error(Errc::forbidden,
                             fmt::format("no right to administer {:?}", change.lifecycle.stream)));
    }
    auto encoded = parts_.volume.encode_lifecycle(change.lifecycle);
    if (!encoded) {
        return refused(std::move(encoded.error()));
    }
    const RequestArena::Place place = arena_.copy(as_bytes(*encoded));
    auto view = wire::RequestView::open(place.bytes, true);
    if (!view) {
        arena_.release(place.block);
        return refused(std::move(view.error()));
    }
    if (!submit(session, *view, request, place.block)) {
        arena_.release(place.block);
    }
    return false;
}

// Once: with the outcome, or before, when the volume took a copy.
void Router::release_block(Slot& slot) {
    if (slot.block != nullptr) {
        arena_.release(std::exchange(slot.block, nullptr));
    }
}

void Router::settle(Outcome& outcome, const store::CommitTimes& times, Monotonic now) {
    Slot& slot = slots_[outcome.tag];
    release_block(slot);
    bytes_in_flight_ -= slot.bytes + kRequestCost;
    stages_.add(rounds_[slot.round].times, times, now);
    drop_round(slot.round);
    Session* session = find(slot.peer);
    if (session != nullptr && session->serial == slot.serial) {
        session->bytes_in_flight -= slot.bytes;
        --session->requests_in_flight;
        session->bytes_refused = session->requests_refused = 0;
        if (!session->answered) {
            session->answered = true;
            to_flush_.push_back(slot.peer);
        }
        if (outcome.error) {
            refuse(*session, slot.id, std::move(*outcome.error), slot.partition);
        } else {
            session->receipts.add(slot.id, outcome.value, slot.primary);
        }
    }
    if (!outcome.error) {
        ++counters_.requests;
        counters_.events += outcome.value.repeated ? 0 : outcome.value.records;
    }
    free_slots_.push_back(static_cast<std::uint32_t>(outcome.tag));
}

void Router::decided(OutcomeBatch& batch, Monotonic now, Effects& effects) {
    effects_ = &effects;
    now_ = now;
    for (const std::uint64_t tag : batch.waits) {
        release_block(slots_[tag]);
    }
    std::size_t i = 0;
    for (const OutcomeBatch::Commit& commit : batch.commits) {
        for (; i < commit.end; ++i) {
            settle(batch.outcomes[i], commit.times, now);
        }
        counters_.commits += commit.times.requests != 0 ? 1 : 0;
    }
    batch.clear();
    flush(now, effects);
}

void Router::flush(Monotonic now, Effects& effects) {
    for (const PeerId peer : to_flush_) {
        Session* session = find(peer);
        if (session == nullptr) {
            continue;
        }
        session->answered = false;
        session->said = now;
        for (msg::Receipts& receipts : session->receipts.take()) {
            effects.send(peer, std::move(receipts));
        }
    }
    to_flush_.clear();
}

}  // namespace skald::broker
