// Subscriptions of a session: where each stands, its credit, and how it goes on after a reconnect.
#include <algorithm>
#include <utility>

#include "client/session.h"

namespace skald::client {
namespace {

namespace msg = wire::msg;

constexpr auto kRetryPause = std::chrono::milliseconds(200);

// What the node may have in hand: what was asked for, less what the handler has not taken yet.
std::uint64_t open_window(std::uint64_t window, std::uint64_t unconsumed) {
    return window > unconsumed ? window - unconsumed : 0;
}

}  // namespace

Session::Subscribed* Session::find(SubscriptionId id) {
    const auto it = subscriptions_.find(id);
    return it == subscriptions_.end() ? nullptr : &it->second;
}

void Session::subscribe(NewSubscription subscription) {
    const SubscriptionId id = next_id_++;
    Subscribed& placed = subscriptions_[id];
    placed.request = std::move(subscription.request);
    placed.done = std::move(subscription.done);
    placed.deadline = subscription.deadline;
    if (state_ == State::ready) {
        send_subscribe(id, placed);
    }
}

void Session::send_subscribe(SubscriptionId id, Subscribed& s) {
    s.retry.reset();
    s.granted_events = open_window(s.request.events_in_flight, s.unconsumed_events);
    s.granted_bytes = open_window(s.request.bytes_in_flight, s.unconsumed_bytes);
    s.owed_events = s.owed_bytes = 0;
    msg::Subscribe message;
    message.id = id;
    message.selection = s.request.selection;
    message.start = s.position ? Start(*s.position) : s.request.start;
    message.credit_events = s.granted_events;
    message.credit_bytes = s.granted_bytes;
    message.ephemeral = s.request.ephemeral;
    effects_.sends.push_back({std::move(message), nullptr});
}

void Session::merge(Subscribed& s, const Position& moved) {
    if (!s.position) {
        s.position = moved;
        return;
    }
    auto& places = s.position->partitions;
    for (const PartitionPosition& place : moved.partitions) {
        const auto at = std::lower_bound(places.begin(), places.end(), place.partition,
                                         [](const PartitionPosition& p, Partition partition) {
                                             return p.partition < partition;
                                         });
        if (at != places.end() && at->partition == place.partition) {
            *at = place;
        } else {
            places.insert(at, place);
        }
    }
}

void Session::tell(SubscriptionId id, Told::Kind kind, Subscribed& s) {
    Told told;
    told.subscription = id;
    told.kind = kind;
    told.position = s.position.value_or(Position{});
    effects_.told.push_back(std::move(told));
}

void Session::on(msg::Subscribed& message, std::vector<Body>&) {
    Subscribed* s = find(message.id);
    if (s == nullptr) {
        // Its caller gave up waiting.
        effects_.sends.push_back({msg::Unsubscribe{message.id}, nullptr});
        return;
    }
    s->position = message.position;
    if (s->done) {
        effects_.calls.push_back(
            [done = std::move(s->done), begun = Begun{message.id, *s->position}] { done(begun); });
        s->done = nullptr;
    }
}

void Session::on(msg::Deliver& message, std::vector<Body>& bodies) {
    Subscribed* s = find(message.subscription);
    if (bodies.size() != message.chunks.size()) {
        broken(now_, "a delivery lacks events");
        return;
    }
    if (s == nullptr) {
        return;
    }
    merge(*s, message.position);
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        s->unconsumed_events += message.chunks[i].events;
        s->unconsumed_bytes += bodies[i].bytes.size();
    }
    tell(message.subscription, Told::Kind::events, *s);
    effects_.told.back().chunks = std::move(message.chunks);
    effects_.told.back().bodies = std::move(bodies);
}

void Session::on(msg::Ephemeral& message, std::vector<Body>& bodies) {
    Subscribed* s = find(message.subscription);
    if (bodies.size() != 1) {
        broken(now_, "an ephemeral event is not there");
        return;
    }
    if (s == nullptr) {
        return;
    }
    ++s->unconsumed_events;
    s->unconsumed_bytes += bodies[0].bytes.size();
    tell(message.subscription, Told::Kind::ephemeral, *s);
    effects_.told.back().chunks = {{Partition{}, 1, Offset{}, Offset{}}};
    effects_.told.back().bodies = std::move(bodies);
}

void Session::on(msg::Dropped& message, std::vector<Body>&) {
    if (Subscribed* s = find(message.subscription)) {
        tell(message.subscription, Told::Kind::dropped, *s);
        effects_.told.back().dropped = message.events;
    }
}

void Session::consumed(SubscriptionId id, std::uint64_t events, std::uint64_t bytes) {
    Subscribed* s = find(id);
    if (s == nullptr) {
        return;
    }
    s->unconsumed_events -= std::min(events, s->unconsumed_events);
    s->unconsumed_bytes -= std::min(bytes, s->unconsumed_bytes);
    s->owed_events += events;
    s->owed_bytes += bytes;
    const bool due = s->owed_events * 2 >= s->request.events_in_flight ||
                     s->owed_bytes * 2 >= s->request.bytes_in_flight;
    if (!due || state_ != State::ready || s->retry) {
        return;
    }
    s->granted_events += std::exchange(s->owed_events, 0);
    s->granted_bytes += std::exchange(s->owed_bytes, 0);
    said_ = now_;
    effects_.sends.push_back({msg::Credit{id, s->granted_events, s->granted_bytes}, nullptr});
}

void Session::unsubscribe(SubscriptionId id) {
    if (subscriptions_.erase(id) != 0 && state_ == State::ready) {
        effects_.sends.push_back({msg::Unsubscribe{id}, nullptr});
    }
}

void Session::on(msg::Checkpoint& message, std::vector<Body>&) {
    if (Subscribed* s = find(message.subscription)) {
        merge(*s, message.position);
        tell(message.subscription, Told::Kind::checkpoint, *s);
    }
}

void Session::on(msg::CaughtUp& message, std::vector<Body>&) {
    if (Subscribed* s = find(message.subscription)) {
        merge(*s, message.position);
        s->live = true;
        tell(message.subscription, Told::Kind::caught_up, *s);
    }
}

void Session::on(msg::FellBehind& message, std::vector<Body>&) {
    if (Subscribed* s = find(message.subscription)) {
        merge(*s, message.position);
        s->live = false;
        tell(message.subscription, Told::Kind::fell_behind, *s);
    }
}

void Session::on(msg::Ended& message, std::vector<Body>&) {
    end(message.subscription, std::move(message.error));
}

// A subscription that a node cannot serve just now is asked for again.
void Session::end(SubscriptionId id, Error error) {
    Subscribed* s = find(id);
    if (s == nullptr) {
        return;
    }
    if (s->done) {
        effects_.calls.push_back(
            [done = std::move(s->done), error = std::move(error)] { done(error); });
        subscriptions_.erase(id);
        return;
    }
    if (class_of(error.code) == ErrorClass::unavailable) {
        if (std::exchange(s->live, false)) {
            tell(id, Told::Kind::fell_behind, *s);
        }
        s->retry = now_ + kRetryPause;
        return;
    }
    tell(id, Told::Kind::ended, *s);
    effects_.told.back().error = std::move(error);
    subscriptions_.erase(id);
}

}  // namespace skald::client
