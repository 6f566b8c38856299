#include "wire/consumer_messages.h"

#include "wire/consumer_parts.h"

namespace skald::wire {
namespace {

using parts::Builder;
using parts::Ref;

constexpr const char* kRequestIdentifier = "SKQ1";
constexpr const char* kReplyIdentifier = "SKA1";

Ref<fb::MemberStatus> build(Builder& b, const MemberStatus& member) {
    return fb::CreateMemberStatus(b, b.CreateString(member.name), member.in_flight,
                                  member.delivered, member.active);
}

Ref<fb::ConsumerStatus> build(Builder& b, const ConsumerStatus& status) {
    const auto settings = parts::build(b, status.settings);
    const auto members = parts::build_list(
        b, status.members, [&b](const MemberStatus& member) { return build(b, member); });
    fb::ConsumerStatusBuilder table(b);
    table.add_settings(settings);
    table.add_paused(status.paused);
    table.add_term(status.term);
    table.add_members(members);
    table.add_done(status.done);
    table.add_skipped(status.skipped);
    table.add_failures(status.failures);
    table.add_in_flight(status.in_flight);
    table.add_waiting(status.waiting);
    table.add_parked(status.parked);
    table.add_behind(status.behind);
    if (status.oldest) {
        table.add_oldest_us(status.oldest->us);
    }
    table.add_out_rate(status.out_rate);
    table.add_member_count(status.member_count);
    table.add_expired(status.expired);
    table.add_dropped(status.dropped);
    table.add_in_rate(status.in_rate);
    table.add_queue_count(status.queue_count);
    table.add_queue_bytes(status.queue_bytes);
    if (status.drain_seconds) {
        table.add_drain_seconds(*status.drain_seconds);
    }
    return table.Finish();
}

Ref<fb::ParkedEvent> build(Builder& b, const ParkedEvent& event) {
    const fb::Place place = parts::to_fb(event.place);
    const auto stream = b.CreateString(event.stream);
    const auto type = b.CreateString(event.type);
    const auto reason = b.CreateString(event.reason);
    return fb::CreateParkedEvent(b, &place, stream, type, reason, event.attempts, event.at.us,
                                 event.follower);
}

MemberStatus read_member(const fb::MemberStatus* member) {
    return {parts::short_text(member->name(), limits::kMemberNameBytesMax), member->in_flight(),
            member->delivered(), member->active()};
}

ConsumerStatus read_status(const fb::ConsumerStatus* status) {
    ConsumerStatus read;
    read.settings = parts::from_fb(status->settings());
    read.paused = status->paused();
    read.term = status->term();
    read.member_count = status->member_count();
    read.members = parts::read_list(status->members(), limits::kConsumerMembersMax, read_member);
    read.done = status->done();
    read.skipped = status->skipped();
    read.failures = status->failures();
    read.in_flight = status->in_flight();
    read.waiting = status->waiting();
    read.parked = status->parked();
    read.behind = status->behind();
    if (const auto oldest = status->oldest_us()) {
        read.oldest = Time{*oldest};
    }
    read.out_rate = parts::finite(status->out_rate());
    read.expired = status->expired();
    read.dropped = status->dropped();
    read.in_rate = parts::finite(status->in_rate());
    read.queue_count = status->queue_count();
    read.queue_bytes = status->queue_bytes();
    if (const auto seconds = status->drain_seconds()) {
        read.drain_seconds = parts::finite(*seconds);
    }
    return read;
}

ParkedEvent read_parked(const fb::ParkedEvent* event) {
    if (event->place() == nullptr) {
        throw parts::Refused("a parked event without its place");
    }
    return {parts::from_fb(event->place()),
            parts::short_text(event->stream(), limits::kStreamNameBytesMax),
            parts::short_text(event->type(), limits::kTypeBytesMax),
            parts::reason(event->reason()),
            event->attempts(),
            Time{event->at_us()},
            event->follower()};
}

ConsumerRequest read_request(const fb::ConsumerRequest& request) {
    parts::check_range(request.verb(), fb::ConsumerVerb::MAX, "verb");
    ConsumerRequest read;
    read.verb = static_cast<ConsumerVerb>(request.verb());
    read.name = parts::short_text(request.name(), limits::kConsumerNameBytesMax);
    if (request.settings() != nullptr) {
        read.settings = parts::from_fb(request.settings());
    }
    if (request.place() != nullptr) {
        read.place = parts::from_fb(request.place());
    }
    read.count = request.count();
    return read;
}

ConsumerReply read_reply(const fb::ConsumerReply& reply) {
    return {parts::read_list(reply.consumers(), limits::kConsumersMax, read_status),
            parts::read_list(reply.parked(), limits::kListMax, read_parked), reply.count()};
}

}  // namespace

std::string encode(const ConsumerRequest& request) {
    Builder b;
    const auto name = b.CreateString(request.name);
    const auto settings = request.settings ? parts::build(b, *request.settings) : 0;
    const fb::Place place = parts::to_fb(request.place.value_or(Place{}));
    return parts::finished(
        b,
        fb::CreateConsumerRequest(b, static_cast<fb::ConsumerVerb>(request.verb), name, settings,
                                  request.place ? &place : nullptr, request.count),
        kRequestIdentifier);
}

std::string encode(const ConsumerReply& reply) {
    Builder b;
    const auto consumers = parts::build_list(
        b, reply.consumers, [&b](const ConsumerStatus& status) { return build(b, status); });
    const auto parked = parts::build_list(
        b, reply.parked, [&b](const ParkedEvent& event) { return build(b, event); });
    return parts::finished(b, fb::CreateConsumerReply(b, consumers, parked, reply.count),
                           kReplyIdentifier);
}

Result<ConsumerRequest> decode_consumer_request(Bytes bytes) {
    return parts::decoded<fb::ConsumerRequest>(bytes, kRequestIdentifier, read_request);
}

Result<ConsumerReply> decode_consumer_reply(Bytes bytes) {
    return parts::decoded<fb::ConsumerReply>(bytes, kReplyIdentifier, read_reply);
}

}  // namespace skald::wire
