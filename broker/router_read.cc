// Reads, streams, snapshots: what is answered from the volume without writing. Whatever may be
// large or take long waits in its session for its turn (router_pump.cc).
#include <fmt/format.h>

#include <algorithm>

#include "broker/limits.h"
#include "broker/router.h"
#include "broker/sizes.h"
#include "store/reading.h"

namespace skald::broker {
namespace {

namespace msg = wire::msg;

Error forbidden_to_read(std::string_view stream) {
    return {Errc::forbidden, fmt::format("no right to read {:?}", stream)};
}

msg::FromNode rejected(std::uint64_t id, Error error) {
    return msg::Rejected{id, Partition{}, std::move(error)};
}

}  // namespace

std::optional<Error> Router::check_selection(const Session& session,
                                             const Selection& selection) const {
    if (selection.kind == Selection::Kind::stream && !session.rights.may_read(selection.name)) {
        return forbidden_to_read(selection.name);
    }
    if (session.rights.reads_none()) {
        return Error(Errc::forbidden, "no right to read anything");
    }
    return std::nullopt;
}

bool Router::admit_plain(Session& session, std::uint64_t id) {
    if (id < msg::kFirstPlainId) {
        malformed(session, Error(Errc::malformed, "a request id below 2^63 that is no sequence"));
        return false;
    }
    if (session.plain_in_flight >= kPlainRequestsMax) {
        refuse(session, id, Error(Errc::busy, "answers wait to be taken: read them first"));
        return false;
    }
    session.said = now_;
    return true;
}

void Router::wait(Session& session, std::uint64_t id, Waiting waiting) {
    waiting.bytes += sizeof waiting;
    if (bytes_held() + waiting.bytes > parts_.limits.request_bytes_in_flight) {
        refuse(session, id, Error(Errc::busy, "the node has all the requests it can hold"));
        return;
    }
    bytes_in_flight_ += waiting.bytes;
    ++session.plain_in_flight;
    session.waiting.push_back(std::move(waiting));
    take_turn(session);
}

void Router::forget_waiting(Session& session) {
    bytes_in_flight_ -= session.waiting.front().bytes;
    session.waiting.pop_front();
}

bool Router::on(Session& session, Arrival&, const msg::Read& message) {
    if (!admit_plain(session, message.id)) {
        return false;
    }
    if (auto closed = check_selection(session, message.read.selection)) {
        refuse(session, message.id, std::move(*closed));
        return false;
    }
    wait(session, message.id, {message, bytes_of(message.read.selection), nullptr, 0});
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::GetStream& get) {
    if (!admit_plain(session, get.id)) {
        return false;
    }
    if (!session.rights.may_read(get.stream) && !session.rights.may_administer(get.stream)) {
        refuse(session, get.id, forbidden_to_read(get.stream));
        return false;
    }
    wait(session, get.id, {get, get.stream.size(), nullptr, 0});
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::ListStreams& list) {
    if (admit_plain(session, list.id)) {
        wait(session, list.id, {list, list.glob.size() + list.after.size(), nullptr, 0});
    }
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::GetSnapshot& get) {
    if (!admit_plain(session, get.id)) {
        return false;
    }
    if (!session.rights.may_read(get.stream)) {
        refuse(session, get.id, forbidden_to_read(get.stream));
        return false;
    }
    wait(session, get.id, {get, get.stream.size(), nullptr, 0});
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::GetPosition& get) {
    if (admit_plain(session, get.id)) {
        wait(session, get.id, {get, 0, nullptr, 0});
    }
    return false;
}

// ---- answers, in turn. False when the request goes on waiting.

bool Router::answer(Session& session, Waiting& waiting, const msg::Read& message,
                    std::size_t room) {
    store::ReadBudget budget{message.read.limit, message.read.bytes};
    if (!waiting.cursor) {
        auto begun = store::begin_page(parts_.volume, message.read, session.rights.allowed());
        if (!begun) {
            refuse(session, message.id, std::move(begun.error()));
            return true;
        }
        waiting.cursor = std::move(begun->cursor);
    }
    budget.bytes = std::min({budget.bytes, limits::kPageBytesMax, room});
    budget.records = limits::kStepRecordsMax;
    auto step = waiting.cursor->next(budget);
    if (!step) {
        refuse(session, message.id, std::move(step.error()));
        return true;
    }
    waiting.looked_at += budget.records;
    if (step->chunks.empty() && !step->end && waiting.looked_at < limits::kScanRecordsMax) {
        return false;
    }
    if (step->chunks.empty()) {
        if (auto ok = store::explain_empty(parts_.volume, message.read.selection); !ok) {
            refuse(session, message.id, std::move(ok.error()));
            return true;
        }
    }
    send_page(session, message.id, *step, *waiting.cursor);
    return true;
}

void Router::send_page(Session& session, std::uint64_t id, store::Step& step,
                       const store::Cursor& cursor) {
    msg::Page page;
    page.id = id;
    page.next = cursor.position();
    page.resume = cursor.position();
    page.end = step.end;
    std::vector<Frame> bodies;
    for (store::Chunk& chunk : step.chunks) {
        page.chunks.push_back({chunk.partition, chunk.events, chunk.first, chunk.next});
        counters_.delivered_events += chunk.events;
        counters_.delivered_bytes += chunk.frame->size();
        bodies.push_back(std::move(chunk.frame));
    }
    effects_->send(session.peer, std::move(page), std::move(bodies));
}

bool Router::answer(Session& session, Waiting&, const msg::GetStream& get, std::size_t) {
    auto info = parts_.volume.stream_info(get.stream);
    if (!info) {
        refuse(session, get.id, std::move(info.error()));
        return true;
    }
    effects_->send(session.peer, msg::StreamAnswer{get.id, std::move(*info)});
    return true;
}

// A pass over all names may take long: on another thread, one of a session at a time.
bool Router::answer(Session& session, Waiting&, const msg::ListStreams& list, std::size_t) {
    if (session.listing || listing_ >= limits::kNodeJobsMax) {
        return false;
    }
    if (session.rights.reads_none()) {
        effects_->send(session.peer, msg::StreamListAnswer{list.id, {}});
        return true;
    }
    session.listing = true;
    ++listing_;
    ++session.plain_in_flight;
    jobs_.push_back(
        {session.peer, session.serial, 0,
         [&volume = parts_.volume, list, allowed = session.rights.allowed()] {
             auto streams = volume.list_streams(list.glob, list.after, list.limit, allowed);
             return streams ? msg::FromNode(msg::StreamListAnswer{list.id, std::move(*streams)})
                            : rejected(list.id, std::move(streams.error()));
         }});
    return true;
}

bool Router::answer(Session& session, Waiting&, const msg::GetSnapshot& get, std::size_t) {
    auto snapshot = parts_.volume.get_snapshot(get.stream);
    if (!snapshot) {
        refuse(session, get.id, std::move(snapshot.error()));
        return true;
    }
    if (!*snapshot) {
        effects_->send(session.peer, msg::SnapshotAnswer{get.id, false, Version{}, 0});
        return true;
    }
    Snapshot& found = **snapshot;
    std::vector<Frame> bodies{std::make_shared<const std::string>(std::move(found.bytes))};
    effects_->send(session.peer,
                   msg::SnapshotAnswer{get.id, true, found.version, found.fingerprint},
                   std::move(bodies));
    return true;
}

bool Router::answer(Session& session, Waiting&, const msg::GetPosition& get, std::size_t) {
    effects_->send(session.peer, msg::PositionAnswer{get.id, parts_.volume.position()});
    return true;
}

// ---- jobs

std::optional<Error> Router::gate_snapshot(const Session& session, std::size_t bytes) const {
    if (bytes > limits::kSnapshotBytesMax) {
        return Error(Errc::request_too_large, fmt::format("a snapshot has at most {} bytes, not {}",
                                                          limits::kSnapshotBytesMax, bytes));
    }
    if (session.snapshot_bytes + bytes > parts_.limits.session_bytes_in_flight ||
        bytes_held() + bytes > parts_.limits.request_bytes_in_flight) {
        return Error(Errc::busy, "too many snapshots wait to be written");
    }
    return std::nullopt;
}

// It waits for a commit: on another thread.
bool Router::on(Session& session, Arrival& arrival, const msg::PutSnapshot& put) {
    if (!admit_plain(session, put.id)) {
        return false;
    }
    if (arrival.frames != 2) {
        refuse(session, put.id, Error(Errc::malformed, "a snapshot is one body frame"));
        return false;
    }
    if (!session.rights.may_write(put.stream)) {
        refuse(session, put.id,
               Error(Errc::forbidden, fmt::format("no right to write {:?}", put.stream)));
        return false;
    }
    const std::size_t bytes = sizeof(Snapshot) + arrival.body.bytes.size();
    if (auto closed = gate_snapshot(session, arrival.body.bytes.size())) {
        refuse(session, put.id, std::move(*closed));
        return false;
    }
    Snapshot snapshot{put.version, put.fingerprint, std::string(as_text(arrival.body.bytes))};
    ++session.plain_in_flight;
    session.snapshot_bytes += bytes;
    bytes_in_flight_ += bytes;
    jobs_.push_back({session.peer, session.serial, bytes,
                     [&volume = parts_.volume, put, snapshot = std::move(snapshot)] {
                         auto done = volume.put_snapshot(put.stream, snapshot);
                         return done ? msg::FromNode(msg::Done{put.id})
                                     : rejected(put.id, std::move(done.error()));
                     }});
    return false;
}

void Router::finish(JobAnswer answer, Effects& effects) {
    const bool list = answer.bytes == 0;
    listing_ -= list ? 1 : 0;
    bytes_in_flight_ -= answer.bytes;
    Session* session = find(answer.peer);
    if (session == nullptr || session->serial != answer.serial) {
        return;
    }
    --session->plain_in_flight;
    session->snapshot_bytes -= answer.bytes;
    session->listing = session->listing && !list;
    if (const auto* refusal = std::get_if<msg::Rejected>(&answer.message)) {
        ++counters_.rejected[static_cast<std::size_t>(class_of(refusal->error.code))];
    }
    effects.send(answer.peer, std::move(answer.message));
}

}  // namespace skald::broker
