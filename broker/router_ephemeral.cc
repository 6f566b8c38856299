// Ephemeral events: from a publisher straight to the subscriptions that are live, in slices.
#include <fmt/format.h>

#include "broker/limits.h"
#include "broker/router.h"
#include "broker/turn.h"

namespace skald::broker {
namespace {

namespace msg = wire::msg;

}  // namespace

std::optional<Error> Router::check_ephemeral(const Session& session) {
    if ((session.features & msg::kFeatureEphemeral) == 0) {
        return Error(Errc::unsupported_version, "ephemeral events were not agreed on in Hello");
    }
    return std::nullopt;
}

Result<store::EphemeralEvent> Router::open_ephemeral(const Session& session,
                                                     const Arrival& arrival) {
    if (auto refused = check_ephemeral(session)) {
        return std::move(*refused);
    }
    if (draining_) {
        return Error(Errc::shutting_down, "the node is going down");
    }
    if (arrival.frames != 2) {
        return Error(Errc::malformed, "an ephemeral event is one body frame");
    }
    const auto view = wire::RequestView::open(arrival.body.bytes);
    if (!view) {
        return view.error();
    }
    const std::string_view stream = view->name(view->stream(0).name);
    if (!session.rights.may_write(stream)) {
        return Error(Errc::forbidden, fmt::format("no right to write {:?}", stream));
    }
    return parts_.volume.ephemeral().make(*view);
}

bool Router::on(Session& session, Arrival& arrival, const msg::PublishEphemeral& publish) {
    if (!admit_plain(session, publish.id)) {
        return false;
    }
    auto event = open_ephemeral(session, arrival);
    if (!event) {
        refuse(session, publish.id, std::move(event.error()));
        return false;
    }
    const std::size_t bytes = sizeof(FanOut) + event->frame->size();
    if (bytes_held() + bytes > parts_.limits.request_bytes_in_flight) {
        refuse(session, publish.id, Error(Errc::busy, "the node has all the requests it can hold"));
        return false;
    }
    bytes_in_flight_ += bytes;
    ++session.plain_in_flight;
    ++counters_.ephemeral_published;
    parts_.volume.ephemeral().deliver(*event);
    fan_outs_.push_back({std::move(*event), bytes, session.peer, session.serial, publish.id, {}});
    return false;
}

bool Router::takes_relayed() const {
    return fan_outs_.size() < kRelayedEventsMax && relayed_bytes_ < kRelayedBytesMax;
}

void Router::relay(const store::EphemeralEvent& event) {
    ++counters_.ephemeral_published;
    const std::size_t bytes = sizeof(FanOut) + event.frame->size();
    relayed_bytes_ += bytes;
    fan_outs_.push_back({event, bytes, 0, 0, 0, {}});
}

// One slice of the first. Its subscriptions come in the order of their keys, so that those that
// begin and end meanwhile do no harm.
void Router::fan_out(Turn& turn) {
    if (fan_outs_.empty() || !turn.fans_out) {
        return;
    }
    FanOut& first = fan_outs_.front();
    std::size_t bytes = 0;
    auto at = ephemeral_.upper_bound(first.after);
    for (std::size_t n = 0; at != ephemeral_.end() && n < kFanOutStep && bytes < kDeliverBytes;
         ++n, ++at) {
        Session& session = *find(at->first.first);
        if (session.fanned_out.turn != turns_) {
            session.fanned_out = {turns_, 0, 0};
        }
        turn.fans_out = session.fanned_out.messages < kTurnEphemeralMax;
        if (!turn.fans_out) {
            break;
        }
        first.after = at->first;
        bytes += send_ephemeral(session, *at->second, first.event);
    }
    turn.take(bytes);
    if (at == ephemeral_.end()) {
        finish(first);
        fan_outs_.pop_front();
    }
}

// Returns the bytes that were sent.
std::size_t Router::send_ephemeral(Session& session, Subscription& subscription,
                                   const store::EphemeralEvent& event) {
    if (!subscription.wants(event.view)) {
        return 0;
    }
    const bool room = parts_.send_room(session.peer) > session.fanned_out.bytes;
    if (!subscription.send_ephemeral(session.peer, event.frame, room, *effects_)) {
        ++counters_.ephemeral_dropped;
        return 0;
    }
    const std::size_t bytes = event.frame->size() + kEnvelopeBytes;
    ++counters_.ephemeral_delivered;
    ++session.fanned_out.messages;
    session.fanned_out.bytes += bytes;
    return bytes;
}

void Router::finish(const FanOut& done) {
    const bool relayed = done.serial == 0;
    (relayed ? relayed_bytes_ : bytes_in_flight_) -= done.bytes;
    Session* session = relayed ? nullptr : find(done.peer);
    if (session != nullptr && session->serial == done.serial) {
        --session->plain_in_flight;
        effects_->send(done.peer, msg::Done{done.id});
    }
}

}  // namespace skald::broker
