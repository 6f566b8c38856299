#include "wire/consumer_messages.h"

#include <catch2/catch.hpp>
#include <limits>

#include "tests/wire/consumer_samples.h"
#include "wire/envelope.h"

namespace skald::wire {
namespace {

using std::chrono::milliseconds;

ConsumerRequest any_request() {
    ConsumerRequest request;
    request.verb = static_cast<ConsumerVerb>(*rc::gen::inRange(0, 11));
    request.name = any_text();
    if (any<bool>()) {
        request.settings = any_settings();
        request.place = any_place();
    }
    request.count = any<std::uint64_t>();
    return request;
}

ConsumerStatus any_status() {
    ConsumerStatus status;
    status.settings = any_settings();
    status.paused = any<bool>();
    status.term = any<std::uint64_t>();
    status.members = any_list([] {
        return MemberStatus{any_text(), any<std::uint32_t>(), any<std::uint64_t>(), any<bool>()};
    });
    for (std::uint64_t* number :
         {&status.done, &status.skipped, &status.failures, &status.in_flight, &status.waiting,
          &status.parked, &status.behind}) {
        *number = any<std::uint64_t>();
    }
    if (any<bool>()) {
        status.oldest = Time{any<std::int64_t>()};
    }
    status.in_rate = any<double>();
    status.out_rate = any<double>();
    if (any<bool>()) {
        status.drain_seconds = any<double>();
    }
    status.expired = any<std::uint64_t>();
    status.queue_count = any<std::uint64_t>();
    status.queue_bytes = any<std::uint64_t>();
    status.dropped = any<std::uint64_t>();
    return status;
}

ParkedEvent any_parked() {
    return {any_place(), any_text(),           any_text(),
            any_text(),  any<std::uint32_t>(), Time{any<std::int64_t>()},
            any<bool>()};
}

WorkAnswer any_answer() {
    switch (*rc::gen::inRange(0, 6)) {
        case 0:
            return RetryWork{any_time(), any_text()};
        case 1:
            return RetryWork{std::nullopt, any_text()};
        case 2:
            return ReleaseWork{};
        case 3:
            return ParkWork{any_text()};
        case 4:
            return SkipWork{};
        default:
            return AckWork{};
    }
}

MemberRequest any_member_request() {
    MemberRequest request;
    request.verb = static_cast<MemberVerb>(*rc::gen::inRange(0, 4));
    request.member = any<std::uint64_t>();
    request.name = any_text();
    request.in_flight = any<std::uint32_t>();
    request.lease = any_time();
    request.wait = any_time();
    request.answered = any<std::uint64_t>();
    request.answers = any_list([] {
        const std::uint64_t first = *rc::gen::inRange<std::uint64_t>(0, 1'000'000);
        AnsweredPlaces places{Partition{any<std::uint16_t>()}, Offset{first},
                              Offset{first + *rc::gen::inRange<std::uint64_t>(1, 1000)},
                              any_answer()};
        if (*rc::gen::inRange(0, 4) == 0) {
            places.answer = AckWork{};
            places.extend = any_time();
        }
        return places;
    });
    return request;
}

AnsweredPlaces answered(std::uint64_t first, WorkAnswer answer = AckWork{}) {
    return {Partition{0}, Offset{first}, Offset{first + 1}, std::move(answer)};
}

template <typename Decode>
Errc refusal(const std::string& encoded, Decode decode) {
    const Frame frame(as_bytes(encoded));
    const auto decoded = decode(frame.bytes());
    return decoded ? Errc{} : decoded.error().code;
}

// A reply with two slices: of 24 bytes, and of 7.
struct Sample {
    std::string a = std::string("\x08\0\0\0", 4) + std::string(20, 'a');
    std::string b = std::string(7, 'b');
    MemberReply reply;

    Sample() {
        reply.member = 3;
        reply.term = 4;
        reply.mode = ConsumerMode::per_key;
        reply.key = "customer";
        reply.answered = 9;
        reply.heads = {{Partition{1}, 2, Offset{10}, Offset{13}},
                       {Partition{2}, 1, Offset{5}, Offset{6}}};
        reply.slices = {as_bytes(a), as_bytes(b)};
        reply.attempts = {1, 2, 3};
    }
};

Errc refusal_after(const std::function<void(MemberReply&)>& change) {
    Sample sample;
    change(sample.reply);
    return refusal(encode(sample.reply), decode_member_reply);
}

// Where the bytes are, or the 4 bytes from which an offset leads there.
std::size_t place_of(const std::string& encoded, std::string_view bytes) {
    const std::size_t place = encoded.find(bytes);
    REQUIRE(place != std::string::npos);
    return place;
}
std::size_t offset_to(const std::string& encoded, std::size_t target) {
    std::size_t place = 0;
    while (place + load_le<std::uint32_t>(encoded.data() + place) != target) {
        place += 4;
        REQUIRE(place + 4 <= encoded.size());
    }
    return place;
}

// An answer whose field at `field` of its struct is `value`.
Errc refusal_of_answer(std::size_t field, char value) {
    constexpr std::uint64_t kFirst = 0x1122334455667788;
    MemberRequest request;
    request.answers = {answered(kFirst, ParkWork{"why"})};
    std::string encoded = encode(request);
    std::string mark;
    append_as(mark, kFirst);
    encoded[place_of(encoded, mark) + field] = value;
    return refusal(encoded, decode_member_request);
}

}  // namespace

TEST_CASE("consumer messages: requests and replies are what they were", "[wire]") {
    CHECK(rc::check("requests", [] {
        const ConsumerRequest request = any_request();
        const Frame frame(as_bytes(encode(request)));
        RC_ASSERT(decode_consumer_request(frame.bytes()).value() == request);
    }));
    CHECK(rc::check("replies", [] {
        const ConsumerReply reply{any_list(any_status), any_list(any_parked), any<std::uint64_t>()};
        const Frame frame(as_bytes(encode(reply)));
        RC_ASSERT(decode_consumer_reply(frame.bytes()).value() == reply);
    }));
    CHECK(rc::check("requests of members", [] {
        const MemberRequest request = any_member_request();
        const Frame frame(as_bytes(encode(request)));
        RC_ASSERT(decode_member_request(frame.bytes()).value() == request);
    }));
}

TEST_CASE("consumer messages: a position, and a query, are what they were", "[wire]") {
    ConsumerRequest request;
    request.settings.emplace();
    Position position;
    position.cluster.bytes[3] = 5;
    position.partitions = {{Partition{3}, Uuid{{1}}, Epoch{2}, Offset{9}, 7}};
    request.settings->start = position;
    request.settings->selection = Selection::matching({{{{"a"}, {"t"}}}});
    const Frame frame(as_bytes(encode(request)));
    CHECK(decode_consumer_request(frame.bytes()).value() == request);
}

TEST_CASE("consumer messages: slices lie at multiples of 8", "[wire]") {
    const Sample sample;
    const Frame frame(as_bytes(encode(sample.reply)));
    const auto decoded = decode_member_reply(frame.bytes());
    REQUIRE(decoded);
    CHECK(decoded->member == 3);
    CHECK(decoded->term == 4);
    CHECK(decoded->mode == ConsumerMode::per_key);
    CHECK(decoded->key == "customer");
    CHECK(decoded->answered == 9);
    CHECK(decoded->heads == sample.reply.heads);
    CHECK(decoded->attempts == sample.reply.attempts);
    REQUIRE(decoded->slices.size() == 2);
    CHECK(as_text(decoded->slices[0]) == sample.a);
    CHECK(as_text(decoded->slices[1]) == sample.b);
    CHECK(aligned(decoded->slices[0]));
    CHECK(aligned(decoded->slices[1]));

    std::string moved = encode(sample.reply);
    const std::size_t offset = offset_to(moved, place_of(moved, sample.a) - 4);
    moved[offset] = static_cast<char>(moved[offset] + 4);  // the first 4 bytes are now its size
    CHECK(refusal(moved, decode_member_reply) == Errc::malformed);
}

TEST_CASE("consumer messages: events, slices and attempts agree", "[wire]") {
    CHECK(refusal_after([](MemberReply&) {}) == Errc{});
    CHECK(refusal_after([](MemberReply& r) { r.attempts.clear(); }) == Errc{});
    CHECK(refusal_after([](MemberReply& r) { r.attempts.pop_back(); }) == Errc::malformed);
    CHECK(refusal_after([](MemberReply& r) { r.slices.pop_back(); }) == Errc::malformed);
    CHECK(refusal_after([](MemberReply& r) { r.mode = static_cast<ConsumerMode>(3); }) ==
          Errc::malformed);
    CHECK(refusal_after([](MemberReply& r) { r.slices.resize(3); }) == Errc::malformed);
    CHECK(refusal_after([](MemberReply& r) { r.heads[1].next = r.heads[1].first; }) ==
          Errc::malformed);
}

TEST_CASE("consumer messages: what is out of range is malformed", "[wire]") {
    CHECK(refusal_of_answer(30, 3) == Errc{});
    CHECK(refusal_of_answer(30, 6) == Errc::malformed);      // the answer
    CHECK(refusal_of_answer(24, 2) == Errc::malformed);      // its reason
    CHECK(refusal_of_answer(15, '\x80') == Errc{});          // its end
    CHECK(refusal_of_answer(8, '\x88') == Errc::malformed);  // its end
    MemberRequest request;
    request.answers = {answered(1, RetryWork{milliseconds(-1), ""})};
    CHECK(refusal(encode(request), decode_member_request) == Errc::malformed);
    request.answers = {answered(1)};
    request.answers.front().extend = std::chrono::microseconds(-2);
    CHECK(refusal(encode(request), decode_member_request) == Errc::malformed);
    request.answers.assign(limits::kMemberAnswersMax, answered(1));
    CHECK(refusal(encode(request), decode_member_request) == Errc{});
    request.answers.push_back(answered(1));
    CHECK(refusal(encode(request), decode_member_request) == Errc::malformed);
    request.answers.clear();
    request.verb = static_cast<MemberVerb>(4);
    CHECK(refusal(encode(request), decode_member_request) == Errc::malformed);

    ConsumerRequest asked;
    asked.verb = static_cast<ConsumerVerb>(11);
    CHECK(refusal(encode(asked), decode_consumer_request) == Errc::malformed);
    asked = {};
    asked.settings.emplace().mode = static_cast<ConsumerMode>(3);
    CHECK(refusal(encode(asked), decode_consumer_request) == Errc::malformed);
    asked.settings.emplace().backoff.factor = std::numeric_limits<double>::quiet_NaN();
    CHECK(refusal(encode(asked), decode_consumer_request) == Errc::malformed);
}

TEST_CASE("consumer messages: what is beyond a bound comes out just beyond it", "[wire]") {
    ConsumerRequest request;
    request.name = std::string(1000, 'n');
    ConsumerSettings& settings = request.settings.emplace();
    settings.name = request.name;
    settings.key = request.name;
    settings.selection.types.assign(100, std::string(1000, 't'));
    settings.ack_timeout = std::chrono::hours(1000);
    const Frame frame(as_bytes(encode(request)));
    const auto decoded = decode_consumer_request(frame.bytes());
    REQUIRE(decoded);
    CHECK(decoded->name.size() == limits::kConsumerNameBytesMax + 1);
    CHECK(decoded->settings->name.size() == limits::kConsumerNameBytesMax + 1);
    CHECK(decoded->settings->key.size() == limits::kConsumerKeyBytesMax + 1);
    CHECK(decoded->settings->selection.types.size() == limits::kGlobsMax + 1);
    CHECK(decoded->settings->ack_timeout == limits::kWorkTimeMax + milliseconds(1));

    MemberRequest answers;
    std::string reason(limits::kWorkReasonBytesMax - 1, 'r');
    answers.answers = {answered(1, ParkWork{reason + "\xc3\xa4"})};
    const Frame answers_frame(as_bytes(encode(answers)));
    CHECK(decode_member_request(answers_frame.bytes())->answers[0].answer ==
          WorkAnswer(ParkWork{reason}));
}

TEST_CASE("consumer messages: the reason of many answers is sent once", "[wire]") {
    MemberRequest request;
    request.answers.assign(1000, answered(1, RetryWork{std::nullopt, std::string(1000, 'r')}));
    const std::string encoded = encode(request);
    CHECK(encoded.size() < 50'000);
    const Frame frame(as_bytes(encoded));
    CHECK(decode_member_request(frame.bytes()).value() == request);
}

TEST_CASE("consumer messages: spoilt bytes are refused, or are another message", "[wire]") {
    ConsumerRequest request;
    request.settings.emplace().name = "orders";
    request.place = Place{Partition{1}, Offset{2}};
    check_spoilt(encode(request), decode_consumer_request);
    ConsumerReply reply{{ConsumerStatus{}}, {ParkedEvent{}}, 1};
    reply.consumers[0].members.emplace_back();
    check_spoilt(encode(reply), decode_consumer_reply);
    MemberRequest answers;
    answers.answers = {answered(1, ParkWork{"why"})};
    check_spoilt(encode(answers), decode_member_request);
    check_spoilt(encode(Sample().reply), decode_member_reply);

    CHECK(refusal(renamed(encode(request)), decode_consumer_request) == Errc::malformed);
    CHECK(refusal(renamed(encode(reply)), decode_consumer_reply) == Errc::malformed);
    CHECK(refusal(renamed(encode(answers)), decode_member_request) == Errc::malformed);
    CHECK(refusal(renamed(encode(Sample().reply)), decode_member_reply) == Errc::malformed);
    CHECK(refusal({}, decode_member_reply) == Errc::malformed);
    const std::string large(limits::kRequestBytesMax, 's');
    MemberReply too_large;
    too_large.heads = {{Partition{0}, 1, Offset{0}, Offset{1}}};
    too_large.slices = {as_bytes(large)};
    CHECK(refusal(encode(too_large), decode_member_reply) == Errc::malformed);
}

}  // namespace skald::wire
