#include "broker/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "broker/limits.h"
#include "wire/envelope.h"

namespace skald::broker {
namespace {

namespace msg = wire::msg;

constexpr std::uint32_t kHeartbeatsInExpiry = 3;

std::uint32_t milliseconds(std::chrono::milliseconds time) {
    return static_cast<std::uint32_t>(time.count());
}

}  // namespace

Router::Router(Parts parts, Monotonic now)
    : parts_(std::move(parts)),
      services_([this](const ServiceClient& client) {
          return client == kHere ? std::numeric_limits<std::size_t>::max()
                                 : parts_.send_room(client.peer);
      }),
      now_(now) {}
Router::~Router() = default;

Session* Router::find(PeerId peer) {
    if (last_found_ != nullptr && last_found_->peer == peer) {
        return last_found_;
    }
    const auto it = sessions_.find(peer);
    return it == sessions_.end() ? nullptr : last_found_ = it->second.get();
}

void Router::release(Arrival& arrival) {
    for (RequestArena::Block* block : {arrival.envelope.block, arrival.body.block}) {
        if (block != nullptr) {
            arena_.release(block);
        }
    }
    arrival.envelope.block = arrival.body.block = nullptr;
}

void Router::receive(std::vector<Arrival>& arrivals, RoundTimes times, Effects& effects) {
    effects_ = &effects;
    now_ = times.drained;
    if (free_rounds_.empty()) {
        free_rounds_.push_back(static_cast<std::uint32_t>(rounds_.size()));
        rounds_.emplace_back();
    }
    round_ = free_rounds_.back();
    free_rounds_.pop_back();
    rounds_[round_] = {times, 1};
    for (Arrival& arrival : arrivals) {
        ++counters_.messages;
        counters_.bytes += arrival.envelope.bytes.size() + arrival.body.bytes.size();
        if (Session* session = find(arrival.peer)) {
            handle(*session, arrival);
        } else {
            handle_stranger(arrival);
        }
        release(arrival);
    }
    send_services();
    for (Session* session : touched_) {
        hand_over(*session, effects);
    }
    touched_.clear();
}

void Router::hand_over(Session& session, Effects& effects) {
    if (effects.submissions.empty()) {
        effects.submissions.swap(session.round);
        return;
    }
    std::move(session.round.begin(), session.round.end(), std::back_inserter(effects.submissions));
    session.round.clear();
}

void Router::submitted(Monotonic now) {
    rounds_[round_].times.submitted = now;
    drop_round(round_);
}

void Router::drop_round(std::uint32_t round) {
    if (--rounds_[round].live == 0) {
        free_rounds_.push_back(round);
    }
}

void Router::handle(Session& session, Arrival& arrival) {
    session.heard = now_;
    if (session.far_beyond_credit() || session.malformed > kMalformedMax) {
        ++counters_.discarded;
        return;
    }
    auto message = wire::decode_from_client(arrival.envelope.bytes);
    if (!message) {
        malformed(session, message.error());
        return;
    }
    const bool taken = std::visit([&](const auto& m) { return on(session, arrival, m); }, *message);
    if (taken) {
        RequestArena::Place& place =
            arrival.body.block != nullptr ? arrival.body : arrival.envelope;
        place.block = nullptr;
    }
}

void Router::malformed(Session& session, const Error& error) {
    ++session.malformed;
    ++counters_.malformed;
    if (session.malformed == kMalformedMax) {
        effects_->send(session.peer, msg::Goodbye{error});
    }
}

// Whoever has no session learns at most now and then that it needs one: answers cost more than
// asking.
void Router::handle_stranger(Arrival& arrival) {
    auto message = wire::decode_from_client(arrival.envelope.bytes);
    if (message && std::holds_alternative<msg::Hello>(*message)) {
        hello(arrival, std::get<msg::Hello>(*message));
        return;
    }
    ++counters_.strangers;
    if (!message) {
        ++counters_.malformed;
    }
    if (message && std::holds_alternative<msg::Bye>(*message)) {
        return;
    }
    if (now_ - stranger_told_ >= kStrangerInterval) {
        stranger_told_ = now_;
        effects_->send(arrival.peer, msg::Goodbye{Error(Errc::not_ready,
                                                        "this connection has no session: open a "
                                                        "new one and say Hello")});
    }
}

void Router::hello(Arrival& arrival, const msg::Hello& hello) {
    const auto deny = [&](Errc code, std::string why) {
        ++counters_.rejected[static_cast<std::size_t>(class_of(code))];
        effects_->send(arrival.peer, msg::Goodbye{Error(code, std::move(why))});
    };
    if (draining_) {
        return deny(Errc::shutting_down, "the node is going down");
    }
    if (hello.protocol_min > msg::kProtocolMax || hello.protocol_max < msg::kProtocolMin) {
        return deny(
            Errc::unsupported_version,
            fmt::format("protocol {} to {} is not spoken here, only {} to {}", hello.protocol_min,
                        hello.protocol_max, msg::kProtocolMin, msg::kProtocolMax));
    }
    if (hello.producer.is_nil() || hello.producer_epoch.value == 0 ||
        hello.client.size() > kClientNameBytesMax) {
        return deny(Errc::malformed,
                    "Hello without a producer or its epoch, or with too long a name");
    }
    if (sessions_.size() >= parts_.limits.sessions) {
        return deny(Errc::busy, fmt::format("the node has {} sessions already", sessions_.size()));
    }
    Rights rights = Rights::of(parts_.permissions, arrival.key);
    if (rights.none()) {
        return deny(Errc::forbidden, "this key has no permission at all");
    }
    const Uuid producer = producer_of(arrival.key, hello.producer);
    if (const auto old = by_producer_.find(producer); old != by_producer_.end()) {
        const PeerId peer = old->second;
        effects_->send(peer,
                       msg::Goodbye{Error(Errc::fenced, "the producer has a new connection")});
        end_session(peer);
    }
    auto session = std::make_unique<Session>();
    session->peer = arrival.peer;
    session->serial = next_serial_++;
    session->name = hello.client;
    session->producer = producer;
    session->epoch = hello.producer_epoch;
    session->rights = std::move(rights);
    session->heard = now_;
    Session& placed = *session;
    sessions_[arrival.peer] = std::move(session);
    by_producer_[producer] = arrival.peer;
    welcome(placed, hello);
}

void Router::welcome(Session& session, const msg::Hello& hello) {
    const NodeLimits& limits = parts_.limits;
    const auto wanted = [](auto asked, auto bound) {
        return asked == 0 ? bound : std::min(asked, bound);
    };
    session.credit_bytes =
        wanted(hello.credit_bytes, std::uint64_t{limits.session_bytes_in_flight});
    session.credit_requests = wanted(hello.credit_requests, limits.session_requests_in_flight);
    const store::VolumeInfo info = parts_.volume.info();
    session.due.resize(info.partitions.size());
    msg::Welcome welcome;
    welcome.protocol = std::min(hello.protocol_max, msg::kProtocolMax);
    welcome.features = session.features = hello.features & msg::kFeatures;
    welcome.node = info.node;
    welcome.cluster = info.cluster;
    welcome.partition_count = static_cast<std::uint16_t>(info.partitions.size());
    for (const store::PartitionInfo& p : info.partitions) {
        welcome.partitions.push_back({p.partition, p.lineage, p.epoch, p.high_watermark});
    }
    welcome.limits = {kMessagePartBytesMax,      limits::kRequestBytesMax,
                      limits::kRequestEventsMax, limits::kPageEventsMax,
                      limits::kPageBytesMax,     static_cast<std::uint32_t>(limits.subscriptions)};
    welcome.credit_bytes = session.credit_bytes;
    welcome.credit_requests = session.credit_requests;
    welcome.expiry_ms = milliseconds(limits.expiry);
    welcome.heartbeat_ms = welcome.expiry_ms / kHeartbeatsInExpiry;
    session.said = now_;
    effects_->send(session.peer, std::move(welcome));
}

void Router::end_session(PeerId peer) {
    const auto it = sessions_.find(peer);
    if (it == sessions_.end()) {
        return;
    }
    Session& session = *it->second;
    // What it asked for in this round was taken before it ended, and is still decided.
    if (!session.round.empty()) {
        hand_over(session, *effects_);
        std::erase(touched_, &session);
    }
    services_.forget({peer, session.serial}, now_, services_out_);
    forget_subscriptions(session);
    std::erase(turn_, peer);
    while (!session.waiting.empty()) {
        forget_waiting(session);
    }
    const auto owner = by_producer_.find(session.producer);
    if (owner != by_producer_.end() && owner->second == peer) {
        by_producer_.erase(owner);
    }
    if (last_found_ == &session) {
        last_found_ = nullptr;
    }
    sessions_.erase(it);
}

void Router::lost(PeerId peer) {
    Effects dropped;
    effects_ = &dropped;
    end_session(peer);
}

bool Router::on(Session& session, Arrival&, const msg::Hello&) {
    malformed(session, Error(Errc::malformed, "a second Hello"));
    return false;
}

// The session is gone afterwards; the caller must not touch it.
bool Router::on(Session& session, Arrival&, const msg::Bye&) {
    end_session(session.peer);
    return false;
}

bool Router::on(Session&, Arrival&, const msg::Heartbeat&) {
    return false;
}

void Router::tick(Monotonic now, Effects& effects) {
    effects_ = &effects;
    now_ = now;
    std::vector<PeerId> silent;
    for (auto& [peer, session] : sessions_) {
        if (now - session->heard > parts_.limits.expiry) {
            silent.push_back(peer);
            continue;
        }
        // One that takes nothing is told later, and once for all of it.
        if (!session->subscriptions.empty() && parts_.send_room(peer) != 0) {
            for (auto& [id, subscription] : session->subscriptions) {
                subscription->report(peer, effects);
                subscription->tell_dropped(peer, effects);
            }
        }
        if (now - session->said >= parts_.limits.expiry / kHeartbeatsInExpiry) {
            session->said = now;
            effects.send(peer, msg::Heartbeat{});
        }
    }
    for (const PeerId peer : silent) {
        ++counters_.expired;
        effects.send(peer, msg::Goodbye{Error(Errc::timed_out, "nothing came for too long")});
        end_session(peer);
    }
    services_.tick(now, services_out_);
    send_services();
}

void Router::end_all(Effects& effects) {
    effects_ = &effects;
    std::vector<PeerId> peers;
    for (const auto& [peer, session] : sessions_) {
        peers.push_back(peer);
    }
    for (const PeerId peer : peers) {
        effects.send(peer, msg::Goodbye{Error(Errc::shutting_down, "the node is going down")});
        end_session(peer);
    }
}

}  // namespace skald::broker
