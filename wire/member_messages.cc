// What the members of a consumer ask and are answered.
#include <algorithm>
#include <unordered_map>

#include "wire/consumer_messages.h"
#include "wire/consumer_parts.h"

namespace skald::wire {
namespace {

using parts::Builder;
using parts::Ref;
using parts::Refused;

constexpr const char* kRequestIdentifier = "SKM1";
constexpr const char* kReplyIdentifier = "SKW1";
constexpr std::size_t kSliceAlignment = 8;

// Numbers the reasons of a request: those of many events are one.
class Reasons {
  public:
    std::uint32_t number(std::string_view reason) {
        if (reason.empty()) {
            return 0;
        }
        const auto next = static_cast<std::uint32_t>(list_.size() + 1);
        const auto [place, added] = numbers_.emplace(reason, next);
        if (added) {
            list_.emplace_back(reason);
        }
        return place->second;
    }
    const std::vector<std::string>& list() const { return list_; }

  private:
    std::unordered_map<std::string, std::uint32_t> numbers_;  // 1 for the first
    std::vector<std::string> list_;
};

std::int64_t delay_of(const AnsweredPlaces& places) {
    if (places.extend) {
        return places.extend->count();
    }
    const auto* retry = std::get_if<RetryWork>(&places.answer);
    return retry != nullptr && retry->delay ? std::chrono::microseconds(*retry->delay).count() : -1;
}

std::string_view reason_of(const WorkAnswer& answer) {
    if (const auto* retry = std::get_if<RetryWork>(&answer)) {
        return retry->reason;
    }
    const auto* park = std::get_if<ParkWork>(&answer);
    return park == nullptr ? std::string_view() : park->reason;
}

Ref<fb::Slice> build(Builder& b, Bytes slice) {
    b.ForceVectorAlignment(slice.size(), 1, kSliceAlignment);
    return fb::CreateSlice(
        b, b.CreateVector(reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()));
}

std::string reason_at(const fb::MemberRequest& request, std::uint32_t number) {
    if (number == 0) {
        return {};
    }
    if (request.reasons() == nullptr || number > request.reasons()->size()) {
        throw Refused("an answer whose reason is missing");
    }
    return parts::reason(request.reasons()->Get(number - 1));
}

RetryWork read_retry(const fb::AnsweredPlaces& places, std::string reason) {
    RetryWork retry;
    if (places.delay_us() < -1) {
        throw Refused("a delay below zero");
    }
    if (places.delay_us() >= 0) {
        retry.delay = std::chrono::ceil<std::chrono::milliseconds>(
            parts::duration(static_cast<std::uint64_t>(places.delay_us())));
    }
    retry.reason = std::move(reason);
    return retry;
}

std::chrono::microseconds extension_of(const fb::AnsweredPlaces& places) {
    if (places.delay_us() < -1) {
        throw Refused("an extension below zero");
    }
    return parts::duration(
        static_cast<std::uint64_t>(std::max<std::int64_t>(places.delay_us(), 0)));
}

WorkAnswer read_answer(const fb::MemberRequest& request, const fb::AnsweredPlaces& places) {
    parts::check_range(places.answer(), fb::WorkAnswer::MAX, "answer");
    switch (places.answer()) {
        case fb::WorkAnswer::ack:
            break;
        case fb::WorkAnswer::retry:
            return read_retry(places, reason_at(request, places.reason()));
        case fb::WorkAnswer::release:
            return ReleaseWork{};
        case fb::WorkAnswer::park:
            return ParkWork{reason_at(request, places.reason())};
        case fb::WorkAnswer::skip:
            return SkipWork{};
        case fb::WorkAnswer::extend:
            break;
    }
    return AckWork{};
}

MemberRequest read_request(const fb::MemberRequest& request) {
    parts::check_range(request.verb(), fb::MemberVerb::MAX, "verb");
    MemberRequest read;
    read.verb = static_cast<MemberVerb>(request.verb());
    read.member = request.member();
    read.name = parts::short_text(request.name(), limits::kMemberNameBytesMax);
    read.in_flight = request.in_flight();
    read.lease = parts::duration(request.lease_us());
    read.wait = parts::duration(request.wait_us());
    read.answered = request.answered();
    if (request.answers() != nullptr && request.answers()->size() > limits::kMemberAnswersMax) {
        throw Refused("more answers than a request may have");
    }
    read.answers = parts::read_list(request.answers(), limits::kMemberAnswersMax,
                                    [&](const fb::AnsweredPlaces* places) {
                                        parts::check_places(places->first(), places->next());
                                        AnsweredPlaces read_places{Partition{places->partition()},
                                                                   Offset{places->first()},
                                                                   Offset{places->next()},
                                                                   read_answer(request, *places),
                                                                   {}};
                                        if (places->answer() == fb::WorkAnswer::extend) {
                                            read_places.extend = extension_of(*places);
                                        }
                                        return read_places;
                                    });
    return read;
}

// Checks what they say of each other.
void check_reply(const MemberReply& reply) {
    if (reply.slices.size() != reply.heads.size()) {
        throw Refused("events without their slice, or a slice too many");
    }
    std::uint64_t events = 0;
    for (const msg::ChunkHead& head : reply.heads) {
        parts::check_places(head.first.value, head.next.value);
        events += head.events;
    }
    if (!reply.attempts.empty() && reply.attempts.size() != events) {
        throw Refused("attempts that are not one for each event");
    }
}

MemberReply read_reply(const fb::MemberReply& reply, const std::byte* begin) {
    MemberReply read;
    read.member = reply.member();
    read.term = reply.term();
    if (reply.mode() > fb::ConsumerMode::MAX) {
        throw Refused("a mode out of range");
    }
    read.mode = static_cast<ConsumerMode>(reply.mode());
    read.key = parts::text(reply.key());
    read.answered = reply.answered();
    read.heads = parts::from_fb(reply.heads());
    read.slices = parts::read_list(
        reply.slices(), read.heads.size(), [begin](const fb::Slice* slice) -> Bytes {
            if (slice->bytes() == nullptr || slice->bytes()->size() == 0) {
                return {};
            }
            const Bytes bytes =
                std::as_bytes(std::span(slice->bytes()->data(), slice->bytes()->size()));
            if ((bytes.data() - begin) % static_cast<std::ptrdiff_t>(kSliceAlignment) != 0) {
                throw Refused("a slice that is not aligned");
            }
            return bytes;
        });
    if (reply.attempts() != nullptr) {
        read.attempts.assign(reply.attempts()->begin(), reply.attempts()->end());
    }
    check_reply(read);
    return read;
}

}  // namespace

std::string encode(const MemberRequest& request) {
    Builder b;
    Reasons reasons;
    const auto answers =
        parts::build_list(b, request.answers, [&reasons](const AnsweredPlaces& places) {
            return fb::AnsweredPlaces(
                places.first.value, places.next.value, delay_of(places),
                reasons.number(reason_of(places.answer)), places.partition.value,
                places.extend ? fb::WorkAnswer::extend
                              : static_cast<fb::WorkAnswer>(places.answer.index()));
        });
    const auto reason_list = b.CreateVectorOfStrings(reasons.list());
    const auto name = b.CreateString(request.name);
    return parts::finished(b,
                           fb::CreateMemberRequest(
                               b, static_cast<fb::MemberVerb>(request.verb), request.member, name,
                               request.in_flight, static_cast<std::uint64_t>(request.lease.count()),
                               static_cast<std::uint64_t>(request.wait.count()), answers,
                               reason_list, request.answered),
                           kRequestIdentifier);
}

std::string_view key_of(const EventView& event, std::string_view metadata) {
    if (!metadata.empty()) {
        for (const auto& [name, value] : event.metadata()) {
            if (name == metadata) {
                return value;
            }
        }
    }
    return event.stream;
}

std::string encode(const MemberReply& reply) {
    constexpr std::size_t kRoom = 1024;  // beside the slices
    std::size_t bytes = kRoom + reply.attempts.size() * sizeof(std::uint32_t);
    for (const Bytes slice : reply.slices) {
        bytes += slice.size() + sizeof(fb::ChunkHead) + kSliceAlignment * 4;
    }
    Builder b(bytes);
    const auto slices =
        parts::build_list(b, reply.slices, [&b](Bytes slice) { return build(b, slice); });
    const auto heads = parts::build(b, reply.heads);
    const auto attempts = b.CreateVector(reply.attempts);
    const auto key = b.CreateString(reply.key);
    return parts::finished(
        b,
        fb::CreateMemberReply(b, reply.member, reply.term, heads, slices, attempts,
                              static_cast<fb::ConsumerMode>(reply.mode), key, reply.answered),
        kReplyIdentifier);
}

Result<MemberRequest> decode_member_request(Bytes bytes) {
    return parts::decoded<fb::MemberRequest>(bytes, kRequestIdentifier, read_request);
}

Result<MemberReply> decode_member_reply(Bytes bytes) {
    return parts::decoded<fb::MemberReply>(
        bytes, kReplyIdentifier,
        [begin = bytes.data()](const fb::MemberReply& reply) { return read_reply(reply, begin); });
}

}  // namespace skald::wire
