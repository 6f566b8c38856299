// What the services of durable consumers are asked and answer, as our own structs
// (docs/protocol.md). Each is the payload of one request or reply to a service.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "skald/consumers.h"
#include "skald/result.h"
#include "wire/messages.h"

namespace skald::wire {

// Declares, shows and changes consumers.
inline constexpr std::string_view kConsumersService = "consumers";
// In front of a consumer's name: for its members.
inline constexpr std::string_view kConsumerService = "consumer/";

enum class ConsumerVerb : std::uint8_t {
    list = 0,
    show = 1,
    create = 2,
    edit = 3,
    pause = 4,
    resume = 5,
    remove = 6,
    parked = 7,
    replay = 8,
    replay_one = 9,
    purge = 10
};
struct ConsumerRequest {
    ConsumerVerb verb = ConsumerVerb::list;
    std::string name;                          // all but list, create and edit
    std::optional<ConsumerSettings> settings;  // create and edit
    std::optional<Place> place;                // parked: those behind it; replay_one
    std::uint64_t count = 0;                   // parked: the limit; replay
    bool operator==(const ConsumerRequest&) const = default;
};
struct ConsumerReply {
    std::vector<ConsumerStatus> consumers;  // list, show
    std::vector<ParkedEvent> parked;        // parked
    std::uint64_t count = 0;                // replay, replay_one, purge
    bool operator==(const ConsumerReply&) const = default;
};

enum class MemberVerb : std::uint8_t { join = 0, fetch = 1, answer = 2, leave = 3 };

// An answer to the events [first, next) of a partition that the member holds; to a single one also
// when it does not hold it any more.
struct AnsweredPlaces {
    Partition partition;
    Offset first;
    Offset next;
    WorkAnswer answer;
    // Instead of the answer: it comes later, the time for it begins anew, and is so long; zero: as
    // long as the consumer's.
    std::optional<std::chrono::microseconds> extend = {};
    bool operator==(const AnsweredPlaces&) const = default;
};
// join: name, in_flight, lease. The others: the member's number; answer: the answers. fetch: waits
// so long for an event.
struct MemberRequest {
    MemberVerb verb = MemberVerb::fetch;
    std::uint64_t member = 0;
    std::string name;
    std::uint32_t in_flight = 0;
    std::chrono::microseconds lease{0};
    std::chrono::microseconds wait{0};
    std::vector<AnsweredPlaces> answers;
    std::uint64_t answered = 0;  // with these, by the member's own count
    bool operator==(const MemberRequest&) const = default;
};
// join: the member's number, and what is kept in order. fetch: events, as slices or whole batches;
// `attempts` one for each, or none when all are first ones.
struct MemberReply {
    std::uint64_t member = 0;
    std::uint64_t term = 0;
    std::vector<msg::ChunkHead> heads;
    std::vector<Bytes> slices;  // point into what it was decoded from; each begins at a multiple of
                                // 8 behind its begin
    std::vector<std::uint32_t> attempts;
    ConsumerMode mode = ConsumerMode::shared;
    std::string key;
    std::uint64_t answered = 0;  // of the last answers that were looked at before
};

// Of a consumer that keeps the order of keys: the metadata of this name, or without it the stream.
std::string_view key_of(const EventView& event, std::string_view metadata);

std::string encode(const ConsumerRequest& request);
std::string encode(const ConsumerReply& reply);
std::string encode(const MemberRequest& request);
std::string encode(const MemberReply& reply);

// Whatever the bytes hold: malformed beyond limits::kRequestBytesMax, and for what is out of range.
// Of settings and names, what is beyond a bound comes out just beyond it, for check_settings() to
// refuse; reasons come cut. The bytes must begin at a multiple of 8: aligned() in wire/envelope.h.
Result<ConsumerRequest> decode_consumer_request(Bytes bytes);
Result<ConsumerReply> decode_consumer_reply(Bytes bytes);
Result<MemberRequest> decode_member_request(Bytes bytes);
Result<MemberReply> decode_member_reply(Bytes bytes);

// invalid_argument: it is no name that a consumer may have.
Result<void> check_consumer_name(std::string_view name);
// What needs no log: names, ranges (skald/consumers.h). invalid_argument, or what check_selection()
// says (wire/query.h).
Result<void> check_settings(const ConsumerSettings& settings);

}  // namespace skald::wire
