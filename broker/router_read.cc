// Reads, subscriptions, streams, snapshots: what is answered from the volume without writing.
#include <fmt/format.h>

#include <algorithm>

#include "broker/limits.h"
#include "broker/router.h"
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
    if (session.plain_in_flight >= kPlainRequestsMax || !parts_.send_room(session.peer)) {
        refuse(session, id, Error(Errc::busy, "answers wait to be taken: read them first"));
        return false;
    }
    session.said = now_;
    return true;
}

bool Router::on(Session& session, Arrival&, const msg::Read& message) {
    if (!admit_plain(session, message.id)) {
        return false;
    }
    if (auto closed = check_selection(session, message.read.selection)) {
        refuse(session, message.id, std::move(*closed));
        return false;
    }
    auto read = store::read_page(parts_.volume, message.read, session.rights.allowed());
    if (!read) {
        refuse(session, message.id, std::move(read.error()));
        return false;
    }
    msg::Page page;
    page.id = message.id;
    page.next = read->next;
    page.resume = read->next;
    page.end = read->end;
    std::vector<Frame> bodies;
    for (store::Chunk& chunk : read->chunks) {
        page.chunks.push_back({chunk.partition, chunk.events, chunk.first, chunk.next});
        counters_.delivered_events += chunk.events;
        counters_.delivered_bytes += chunk.frame->size();
        bodies.push_back(std::move(chunk.frame));
    }
    effects_->send(session.peer, std::move(page), std::move(bodies));
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::Subscribe& message) {
    if (!admit_plain(session, message.id)) {
        return false;
    }
    if (session.subscriptions.size() >= parts_.limits.subscriptions) {
        refuse(session, message.id, Error(Errc::busy, "the session has too many subscriptions"));
        return false;
    }
    if (session.subscriptions.contains(message.id)) {
        refuse(session, message.id, Error(Errc::already_exists, "a subscription has this id"));
        return false;
    }
    if (auto closed = check_selection(session, message.selection)) {
        refuse(session, message.id, std::move(*closed));
        return false;
    }
    auto cursor = parts_.volume.cursor(
        {message.selection, message.start, message.exclusive, false, session.rights.allowed()});
    if (!cursor) {
        refuse(session, message.id, std::move(cursor.error()));
        return false;
    }
    auto subscription = std::make_unique<Subscription>(message.id, std::move(*cursor));
    subscription->grant(message.credit_events, message.credit_bytes);
    subscription->begin(session.peer, *effects_);
    if (std::find(pumpable_.begin(), pumpable_.end(), session.peer) == pumpable_.end()) {
        pumpable_.push_back(session.peer);
    }
    session.subscriptions.emplace(message.id, std::move(subscription));
    ++subscriptions_;
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::Credit& credit) {
    const auto it = session.subscriptions.find(credit.subscription);
    if (it != session.subscriptions.end()) {
        it->second->grant(credit.events, credit.bytes);
    }
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::Unsubscribe& message) {
    subscriptions_ -= session.subscriptions.erase(message.subscription);
    if (session.subscriptions.empty()) {
        std::erase(pumpable_, session.peer);
    }
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
    auto info = parts_.volume.stream_info(get.stream);
    if (!info) {
        refuse(session, get.id, std::move(info.error()));
        return false;
    }
    effects_->send(session.peer, msg::StreamAnswer{get.id, std::move(*info)});
    return false;
}

// A pass over all names may take long, and a snapshot waits for a commit: both on another thread.
bool Router::on(Session& session, Arrival&, const msg::ListStreams& list) {
    if (!admit_plain(session, list.id)) {
        return false;
    }
    ++session.plain_in_flight;
    jobs_.push_back({session.peer, session.serial,
                     [&volume = parts_.volume, list, rights = session.rights]() -> msg::FromNode {
                         auto streams = volume.list_streams(list.glob, list.after, list.limit);
                         if (!streams) {
                             return rejected(list.id, std::move(streams.error()));
                         }
                         std::erase_if(streams->streams, [&rights](const StreamInfo& info) {
                             return !rights.may_read(info.name);
                         });
                         return msg::StreamListAnswer{list.id, std::move(*streams)};
                     }});
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
    auto snapshot = parts_.volume.get_snapshot(get.stream);
    if (!snapshot) {
        refuse(session, get.id, std::move(snapshot.error()));
        return false;
    }
    if (!*snapshot) {
        effects_->send(session.peer, msg::SnapshotAnswer{get.id, false, Version{}, 0});
        return false;
    }
    Snapshot& found = **snapshot;
    std::vector<Frame> bodies{std::make_shared<const std::string>(std::move(found.bytes))};
    effects_->send(session.peer,
                   msg::SnapshotAnswer{get.id, true, found.version, found.fingerprint},
                   std::move(bodies));
    return false;
}

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
    Snapshot snapshot{put.version, put.fingerprint, std::string(as_text(arrival.body.bytes))};
    ++session.plain_in_flight;
    jobs_.push_back(
        {session.peer, session.serial,
         [&volume = parts_.volume, put, snapshot = std::move(snapshot)]() -> msg::FromNode {
             auto done = volume.put_snapshot(put.stream, snapshot);
             return done ? msg::FromNode(msg::Done{put.id})
                         : rejected(put.id, std::move(done.error()));
         }});
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::GetPosition& get) {
    if (admit_plain(session, get.id)) {
        effects_->send(session.peer, msg::PositionAnswer{get.id, parts_.volume.position()});
    }
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::PublishEphemeral& publish) {
    if (admit_plain(session, publish.id)) {
        refuse(session, publish.id,
               Error(Errc::unsupported_version, "ephemeral events were not agreed on"));
    }
    return false;
}

void Router::finish(PeerId peer, std::uint64_t serial, msg::FromNode answer, Effects& effects) {
    Session* session = find(peer);
    if (session == nullptr || session->serial != serial) {
        return;
    }
    --session->plain_in_flight;
    if (const auto* refusal = std::get_if<msg::Rejected>(&answer)) {
        ++counters_.rejected[static_cast<std::size_t>(class_of(refusal->error.code))];
    }
    effects.send(peer, std::move(answer));
}

void Router::news() {
    for (const PeerId peer : pumpable_) {
        for (auto& [id, subscription] : find(peer)->subscriptions) {
            subscription->news();
        }
    }
}

void Router::count_deliveries(const Effects& effects, std::size_t from) {
    for (std::size_t i = from; i < effects.sends.size(); ++i) {
        const auto* deliver = std::get_if<msg::Deliver>(&effects.sends[i].message);
        for (std::size_t c = 0; deliver != nullptr && c < deliver->chunks.size(); ++c) {
            counters_.delivered_events += deliver->chunks[c].events;
            counters_.delivered_bytes += effects.sends[i].bodies[c]->size();
        }
    }
}

bool Router::pump(Effects& effects) {
    const std::size_t before = effects.sends.size();
    std::size_t steps = 0;
    bool more = false;
    const std::size_t sessions = pumpable_.size();
    for (std::size_t i = 0; i < sessions && steps < kRoundDeliveriesMax; ++i) {
        const PeerId peer = pumpable_[(pump_from_ + i) % sessions];
        if (!parts_.send_room(peer)) {
            continue;
        }
        auto& subscriptions = find(peer)->subscriptions;
        for (auto it = subscriptions.begin(); it != subscriptions.end();) {
            const bool ready = it->second->ready();
            steps += ready ? 1 : 0;
            if (ready && !it->second->step(peer, effects)) {
                it = subscriptions.erase(it);
                --subscriptions_;
                continue;
            }
            more = more || it->second->ready();
            ++it;
        }
    }
    count_deliveries(effects, before);
    pump_from_ = sessions == 0 ? 0 : (pump_from_ + 1) % sessions;
    return more || steps >= kRoundDeliveriesMax;
}

}  // namespace skald::broker
