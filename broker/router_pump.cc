// Subscriptions, and the turn in which readers and subscribers get what they have room for.
#include <algorithm>
#include <utility>

#include "broker/limits.h"
#include "broker/router.h"
#include "broker/sizes.h"
#include "broker/turn.h"

namespace skald::broker {
namespace {

namespace msg = wire::msg;

}  // namespace

std::optional<Error> Router::check_subscribe(const Session& session,
                                             const msg::Subscribe& message) const {
    if (parts_.send_room(session.peer) == 0) {
        return Error(Errc::busy, "answers wait to be taken: read them first");
    }
    if (session.subscriptions.size() >= parts_.limits.subscriptions) {
        return Error(Errc::busy, "the session has too many subscriptions");
    }
    if (subscriptions_ >= parts_.limits.node_subscriptions) {
        return Error(Errc::busy, "the node has all the subscriptions it can hold");
    }
    if (session.subscriptions.contains(message.id)) {
        return Error(Errc::already_exists, "a subscription has this id");
    }
    auto closed = message.ephemeral ? check_ephemeral(session) : std::nullopt;
    return closed ? closed : check_selection(session, message.selection);
}

bool Router::on(Session& session, Arrival&, const msg::Subscribe& message) {
    if (!admit_plain(session, message.id)) {
        return false;
    }
    if (auto closed = check_subscribe(session, message)) {
        refuse(session, message.id, std::move(*closed));
        return false;
    }
    auto cursor = parts_.volume.cursor(
        {message.selection, message.start, message.exclusive, false, session.rights.allowed()});
    if (!cursor) {
        refuse(session, message.id, std::move(cursor.error()));
        return false;
    }
    const std::size_t bytes = kSubscriptionBytes + bytes_of(message.selection) +
                              kSubscriptionPartBytes * (*cursor)->position().partitions.size();
    if (subscription_bytes_ + bytes > kSubscriptionBytesMax) {
        refuse(session, message.id,
               Error(Errc::busy, "the node has all the subscriptions it can hold"));
        return false;
    }
    auto subscription = std::make_unique<Subscription>(message.id, std::move(*cursor));
    subscription->cost = bytes;
    subscription->grant(message.credit_events, message.credit_bytes);
    subscription->begin(session.peer, *effects_);
    make_ready(session, *subscription);
    if (session.subscriptions.empty()) {
        subscribers_.push_back(session.peer);
    }
    if (message.ephemeral) {
        ephemeral_.emplace(Target{session.peer, message.id}, subscription.get());
    }
    session.subscriptions.emplace(message.id, std::move(subscription));
    ++subscriptions_;
    subscription_bytes_ += bytes;
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::Credit& credit) {
    const auto it = session.subscriptions.find(credit.subscription);
    if (it != session.subscriptions.end()) {
        it->second->grant(credit.events, credit.bytes);
        if (it->second->owes_dropped() && parts_.send_room(session.peer) != 0) {
            it->second->tell_dropped(session.peer, *effects_);
        }
        make_ready(session, *it->second);
    }
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::Unsubscribe& message) {
    const auto it = session.subscriptions.find(message.subscription);
    if (it != session.subscriptions.end()) {
        end_subscription(session, it);
    }
    return false;
}

void Router::end_subscription(Session& session, Subscriptions::iterator it) {
    if (it->second->queued) {
        std::erase(session.ready, it->first);
    }
    subscription_bytes_ -= it->second->cost;
    ephemeral_.erase({session.peer, it->first});
    session.subscriptions.erase(it);
    --subscriptions_;
    if (session.subscriptions.empty()) {
        std::erase(subscribers_, session.peer);
    }
}

void Router::forget_subscriptions(Session& session) {
    for (const auto& [id, subscription] : session.subscriptions) {
        subscription_bytes_ -= subscription->cost;
        ephemeral_.erase({session.peer, id});
    }
    subscriptions_ -= session.subscriptions.size();
    std::erase(subscribers_, session.peer);
}

void Router::make_ready(Session& session, Subscription& subscription) {
    if (subscription.ready() && !subscription.queued) {
        subscription.queued = true;
        session.ready.push_back(subscription.id());
        take_turn(session);
    }
}

void Router::take_turn(Session& session) {
    if (!session.in_turn) {
        session.in_turn = true;
        turn_.push_back(session.peer);
    }
}

void Router::news() {
    for (const PeerId peer : subscribers_) {
        Session& session = *find(peer);
        for (auto& [id, subscription] : session.subscriptions) {
            subscription->news();
            make_ready(session, *subscription);
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

// False when no request waits, or the first must wait longer.
bool Router::answer_next(Session& session, std::size_t room) {
    if (session.waiting.empty()) {
        return false;
    }
    Waiting& first = session.waiting.front();
    const std::size_t looked_at = first.looked_at;
    const bool answered = std::visit(
        [&](const auto& request) { return answer(session, first, request, room); }, first.request);
    if (answered) {
        forget_waiting(session);
        --session.plain_in_flight;
        return true;
    }
    return first.looked_at != looked_at;
}

bool Router::deliver_next(Session& session, std::size_t room) {
    if (session.ready.empty()) {
        return false;
    }
    const auto it = session.subscriptions.find(session.ready.front());
    session.ready.pop_front();
    it->second->queued = false;
    if (!it->second->step(session.peer, room, *effects_)) {
        end_subscription(session, it);
        return true;
    }
    make_ready(session, *it->second);
    return true;
}

// Reads and deliveries of one session in turn, while it has room. False when nothing could be done.
bool Router::visit(Session& session, Turn& turn) {
    std::size_t room = parts_.send_room(session.peer);
    bool moved = false;
    for (std::size_t n = 0; n < limits::kVisitStepsMax && room != 0 && turn.open(); ++n) {
        const std::size_t before = effects_->sends.size();
        const bool read_first = std::exchange(session.delivered_last, !session.delivered_last);
        const bool done = read_first ? answer_next(session, room) || deliver_next(session, room)
                                     : deliver_next(session, room) || answer_next(session, room);
        if (!done) {
            break;
        }
        moved = true;
        std::size_t bytes = 0;
        for (std::size_t i = before; i < effects_->sends.size(); ++i) {
            bytes += kEnvelopeBytes;
            for (const Frame& body : effects_->sends[i].bodies) {
                bytes += body->size();
            }
        }
        turn.take(bytes);
        room -= std::min(room, bytes);
    }
    return moved;
}

bool Router::pump(Effects& effects, const std::function<bool()>& late) {
    effects_ = &effects;
    services_.go_on(now_, services_out_);
    send_services();
    const std::size_t before = effects.sends.size();
    Turn turn{.late = late};
    ++turns_;
    bool more = false;
    std::size_t left = turn_.size();
    while ((left != 0 || (turn.fans_out && !fan_outs_.empty())) && turn.open()) {
        fan_out(turn);
        if (left == 0 || !turn.open()) {
            continue;
        }
        --left;
        Session& session = *find(turn_.front());
        turn_.pop_front();
        session.in_turn = false;
        const bool moved = visit(session, turn);
        if (!session.waiting.empty() || !session.ready.empty()) {
            take_turn(session);
            more = more || moved;
        }
    }
    count_deliveries(effects, before);
    return more || left != 0 || !fan_outs_.empty();
}

}  // namespace skald::broker
