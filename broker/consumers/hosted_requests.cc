// What members and administrators ask of a consumer, and what they are shown.
#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "broker/consumers/hosted_consumer.h"
#include "wire/batch.h"

namespace skald::broker {
namespace {

constexpr auto kRateEvery = std::chrono::seconds(2);

}  // namespace

std::uint64_t HostedConsumer::ticket_for(ReplyTo reply) {
    const std::uint64_t ticket = next_ticket_++;
    waiting_.emplace(ticket, std::move(reply));
    return ticket;
}

void HostedConsumer::request(Bytes payload, ReplyTo reply, Consumer::Now now) {
    auto request = wire::decode_member_request(payload);
    if (!request) {
        reply(request.error());
        return;
    }
    switch (request->verb) {
        case wire::MemberVerb::join:
            join(*request, reply, now);
            return;
        case wire::MemberVerb::fetch: {
            const std::uint64_t ticket = ticket_for(std::move(reply));
            auto ok = consumer_.fetch(request->member, ticket, request->wait, now);
            if (!ok) {
                waiting_.extract(ticket).mapped()(ok.error());
            }
            return;
        }
        case wire::MemberVerb::answer: {
            Rest rest;
            rest.member = request->member;
            rest.answers = std::move(request->answers);
            rest.answered = request->answered;
            rest.reply = std::move(reply);
            rests_.push_back(std::move(rest));
            return;
        }
        case wire::MemberVerb::leave: {
            auto ok = consumer_.leave(request->member, now);
            reply(ok ? Result<Frame>(frame_of(wire::encode(wire::MemberReply{}))) : ok.error());
            return;
        }
    }
}

void HostedConsumer::join(const wire::MemberRequest& request, const ReplyTo& reply,
                          Consumer::Now now) {
    if (consumer_.members() >= limits::kConsumerMembersMax) {
        reply(Error(Errc::busy, "the consumer has all the members it can have"));
        return;
    }
    if (request.in_flight == 0 || request.in_flight > limits::kConsumerInFlightMax ||
        request.lease < limits::kLeaseMin || request.lease > limits::kLeaseMax) {
        reply(Error(Errc::invalid_argument,
                    fmt::format("a member holds 1-{} events, with a lease of {} to {} ms",
                                limits::kConsumerInFlightMax, limits::kLeaseMin.count(),
                                limits::kLeaseMax.count())));
        return;
    }
    wire::MemberReply joined;
    joined.mode = entry_.settings.mode;
    joined.key = entry_.settings.key;
    joined.member = consumer_.join(request.name, request.in_flight, request.lease, now);
    reply(frame_of(wire::encode(joined)));
}

void HostedConsumer::replay(std::uint64_t count, std::optional<Place> one, ReplyTo reply) {
    Rest rest;
    rest.kind = Rest::Kind::replay;
    rest.left = std::min<std::uint64_t>(count, consumer_.parked());
    rest.one = one;
    rest.reply = std::move(reply);
    rests_.push_back(std::move(rest));
}

void HostedConsumer::purge(ReplyTo reply) {
    Rest rest;
    rest.kind = Rest::Kind::purge;
    rest.left = consumer_.parked();
    rest.reply = std::move(reply);
    rests_.push_back(std::move(rest));
}

// In the order they came, as long as the next record has room for what they do.
void HostedConsumer::go_on(Consumer::Now now) {
    while (!rests_.empty() && !consumer_.full() && work_on(rests_.front(), now)) {
        rests_.pop_front();
    }
}

// False when there is more of it.
bool HostedConsumer::work_on(Rest& rest, Consumer::Now now) {
    if (rest.kind == Rest::Kind::answers) {
        auto taken = consumer_.answer(rest.member, std::span(rest.answers).subspan(rest.taken),
                                      rest.answered, now);
        if (!taken) {
            rest.reply(taken.error());
            return true;
        }
        rest.taken += *taken;
        if (rest.taken < rest.answers.size()) {
            return false;
        }
        consumer_.confirm(ticket_for(std::move(rest.reply)));
        return true;
    }
    const std::uint64_t chunk =
        std::min<std::uint64_t>(rest.left, limits::kConsumerPartItemsMax / 4);
    const std::uint64_t done = rest.kind == Rest::Kind::purge
                                   ? consumer_.purge(chunk)
                                   : consumer_.replay_parked(chunk, rest.one);
    rest.done += done;
    rest.left -= std::min(rest.left, done);
    if (done != 0 && rest.left != 0 && !rest.one) {
        return false;
    }
    consumer_.confirm(
        ticket_for([reply = std::move(rest.reply), count = rest.done](Result<Frame> ok) {
            wire::ConsumerReply answer;
            answer.count = count;
            reply(ok ? Result<Frame>(frame_of(wire::encode(answer))) : ok);
        }));
    return true;
}

// ---- what is shown

// Unless it is gone from the log.
void HostedConsumer::look_at(Place place, Version version,
                             const std::function<void(const EventView&)>& use) {
    const store::Pick pick{place.offset, version};
    auto picked = parts_.volume.pick(place.partition, std::span(&pick, 1));
    if (!picked || picked->chunks.empty()) {
        return;
    }
    auto batch = wire::BatchView::open(as_bytes(*picked->chunks.front().frame), place.partition);
    if (!batch) {
        return;
    }
    if (wire::EventCursor cursor(*batch); cursor.next()) {
        use(cursor.event());
    }
}

std::vector<ParkedEvent> HostedConsumer::parked(std::optional<Place> after, std::size_t limit) {
    std::vector<ParkedEvent> list;
    for (const wire::ParkedPlace& parked : consumer_.parked(after, limit)) {
        ParkedEvent& event = list.emplace_back();
        event.place = parked.place;
        event.reason = parked.reason;
        event.attempts = parked.attempts;
        event.at = parked.at;
        event.follower = parked.follower;
        look_at(parked.place, parked.version, [&event](const EventView& stored) {
            event.stream = stored.stream;
            event.type = stored.type;
        });
    }
    return list;
}

void HostedConsumer::rate(ConsumerStatus& status, Consumer::Now now) {
    const std::uint64_t open = status.waiting + status.in_flight + status.behind;
    const std::uint64_t come = status.done + status.parked + open;
    if (now.monotonic - rated_.at >= kRateEvery) {
        const double seconds = std::chrono::duration<double>(now.monotonic - rated_.at).count();
        const bool before = rated_.at != Monotonic{};
        rated_.out_rate = before ? static_cast<double>(status.done - rated_.done) / seconds : 0;
        // Records that were behind may have turned out not to match.
        rated_.in_rate =
            before && come > rated_.come ? static_cast<double>(come - rated_.come) / seconds : 0;
        rated_.done = status.done;
        rated_.come = come;
        rated_.at = now.monotonic;
    }
    status.in_rate = rated_.in_rate;
    status.out_rate = rated_.out_rate;
    if (open == 0) {
        status.drain_seconds = 0;
    } else if (rated_.out_rate > rated_.in_rate) {
        status.drain_seconds = static_cast<double>(open) / (rated_.out_rate - rated_.in_rate);
    }
}

ConsumerStatus HostedConsumer::status(Consumer::Now now) {
    ConsumerStatus status = consumer_.status();
    status.settings = entry_.settings;
    if (queue_ != nullptr) {
        const store::QueueGate::Amount held = queue_->held();
        status.queue_count = held.count;
        status.queue_bytes = held.bytes;
    }
    for (const PartitionPosition& place : parts_.volume.position().partitions) {
        const Offset looked = consumer_.looked_to(place.partition);
        status.behind += place.next > looked ? place.next - looked : 0;
    }
    if (const auto oldest = consumer_.oldest()) {
        look_at(oldest->first, oldest->second,
                [&status](const EventView& event) { status.oldest = event.recorded_at; });
    }
    rate(status, now);
    return status;
}

}  // namespace skald::broker
