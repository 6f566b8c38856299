#include "wire/coord_messages.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/wire/frame.h"
#include "tests/wire/hex.h"
#include "tests/wire/samples.h"

namespace skald::wire {
namespace {

using coord::Change;
using coord::Compare;
using coord::Entry;
using coord::KeyRange;
using coord::LeaseId;
using coord::Operation;
using coord::Revision;

KeyRange any_keys() {
    KeyRange keys{any_text(), std::nullopt};
    if (any<bool>()) {
        keys.end = any_text();
    }
    return keys;
}

Operation any_operation() {
    switch (*rc::gen::inRange(0, 3)) {
        case 0:
            return coord::Put{any_text(), any_text(), LeaseId{any<std::uint64_t>()}};
        case 1:
            return coord::Erase{any_keys()};
        default:
            return coord::Get{any_keys()};
    }
}

Compare any_compare() {
    return {any_text(), static_cast<Compare::Field>(*rc::gen::inRange(0, 5)),
            static_cast<Compare::Is>(*rc::gen::inRange(0, 4)), any<std::uint64_t>(), any_text()};
}

CoordRequest any_request() {
    CoordRequest request;
    request.verb = static_cast<CoordVerb>(*rc::gen::inRange(0, 6));
    request.keys = any_keys();
    request.reading = any<bool>() ? coord::Reading::stale : coord::Reading::linearizable;
    request.txn = {any_list(any_compare), any_list(any_operation), any_list(any_operation)};
    request.ttl = std::chrono::milliseconds(*rc::gen::inRange(0, 1'000'000));
    request.lease = LeaseId{any<std::uint64_t>()};
    request.from = Revision{any<std::uint64_t>()};
    request.wait = std::chrono::milliseconds(*rc::gen::inRange(0, 1'000'000));
    return request;
}

Entry any_entry() {
    return {any_text(),
            any_text(),
            Revision{any<std::uint64_t>()},
            Revision{any<std::uint64_t>()},
            any<std::uint64_t>(),
            LeaseId{any<std::uint64_t>()}};
}

CoordReply any_reply() {
    CoordReply reply;
    reply.succeeded = any<bool>();
    reply.revision = Revision{any<std::uint64_t>()};
    reply.found = any_list([] { return any_list(any_entry); });
    reply.lease = LeaseId{any<std::uint64_t>()};
    reply.news = any_list([] {
        return CoordRevised{Revision{any<std::uint64_t>()}, any_list([] {
                                return Change{any_entry(), any<bool>()};
                            })};
    });
    if (any<bool>()) {
        reply.end = any<bool>() ? coord::WatchEnd::compacted : coord::WatchEnd::lost;
    }
    return reply;
}

Errc refusal(const CoordRequest& request) {
    const Frame frame(as_bytes(encode(request)));
    const auto decoded = decode_coord_request(frame.bytes());
    return decoded ? Errc{} : decoded.error().code;
}

// What the document shows.
CoordRequest sample() {
    CoordRequest request;
    request.verb = CoordVerb::txn;
    request.txn.compares = {Compare::absent("k")};
    request.txn.then = {coord::Put{"k", "v", LeaseId{7}}};
    request.txn.otherwise = {coord::Get{KeyRange::one("k")}};
    return request;
}

}  // namespace

TEST_CASE("coord messages: requests and replies are what they were", "[wire]") {
    CHECK(rc::check("requests", [] {
        const CoordRequest request = any_request();
        const Frame frame(as_bytes(encode(request)));
        RC_ASSERT((decode_coord_request(frame.bytes()).value() == request));
    }));
    CHECK(rc::check("replies", [] {
        const CoordReply reply = any_reply();
        const Frame frame(as_bytes(encode(reply)));
        RC_ASSERT((decode_coord_reply(frame.bytes()).value() == reply));
    }));
}

TEST_CASE("coord messages: what is out of range is malformed", "[wire]") {
    CoordRequest request = sample();
    CHECK(refusal(request) == Errc{});
    request.verb = static_cast<CoordVerb>(6);
    CHECK(refusal(request) == Errc::malformed);
    request = sample();
    request.txn.compares[0].field = static_cast<Compare::Field>(5);
    CHECK(refusal(request) == Errc::malformed);
    request = sample();
    request.txn.compares[0].is = static_cast<Compare::Is>(4);
    CHECK(refusal(request) == Errc::malformed);

    // An act that is none, where two requests differ in theirs alone.
    CoordRequest erases;
    CoordRequest gets;
    erases.txn.then = {coord::Erase{KeyRange::one("k")}};
    gets.txn.then = {coord::Get{KeyRange::one("k")}};
    std::string bytes = encode(erases);
    const std::string other = encode(gets);
    const auto differ = std::mismatch(bytes.begin(), bytes.end(), other.begin()).first;
    REQUIRE(differ != bytes.end());
    *differ = 3;
    const Frame frame(as_bytes(bytes));
    CHECK(decode_coord_request(frame.bytes()).error().code == Errc::malformed);

    const Frame reply(as_bytes(encode(CoordReply{})));
    CHECK(decode_coord_request(reply.bytes()).error().code == Errc::malformed);
}

TEST_CASE("coord messages: times beyond any that is allowed stay beyond", "[wire]") {
    CoordRequest request;
    request.ttl = std::chrono::milliseconds(std::int64_t{1} << 60);
    request.wait = std::chrono::milliseconds(-5);
    const Frame frame(as_bytes(encode(request)));
    const auto decoded = decode_coord_request(frame.bytes());
    REQUIRE(decoded);
    CHECK(decoded->ttl > std::chrono::hours(24 * 365));
    CHECK(decoded->wait.count() == 0);
}

TEST_CASE("coord messages: the bytes of the document's request", "[wire][golden]") {
    CHECK(to_hex(encode(sample())) == to_hex(fenced(SKALD_PROTOCOL, "coordination request")));
}

}  // namespace skald::wire
