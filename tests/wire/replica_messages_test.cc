#include "wire/replica_messages.h"

#include <catch2/catch.hpp>

#include "tests/wire/frame.h"
#include "tests/wire/hex.h"
#include "tests/wire/samples.h"
#include "wire/batch_builder.h"

namespace skald::wire {
namespace {

std::uint64_t number() {
    return any<std::uint64_t>();
}

Uuid any_uuid() {
    Uuid uuid;
    for (auto& byte : uuid.bytes) {
        byte = any<std::uint8_t>();
    }
    return uuid;
}

std::variant<Fetch, FetchAnswer, Fence, FenceAnswer, Fenced> any_body() {
    switch (*rc::gen::inRange(0, 5)) {
        case 0:
            return Fetch{Offset{number()}, Epoch{number()}, any_uuid().bytes, number(), number()};
        case 1: {
            FetchAnswer answer{number(), Offset{number()}, Offset{number()}, number(), {}, false,
                               {}};
            if (any<bool>()) {
                answer.diverged = EpochEnd{Epoch{number()}, Offset{number()}};
            }
            answer.below_start = any<bool>();
            return answer;
        }
        case 2:
            return Fence{};
        case 3:
            return FenceAnswer{Epoch{number()}, Offset{number()}};
        default:
            return Fenced{};
    }
}

ReplicaMessage any_message() {
    return {Partition{any<std::uint16_t>()},
            any_uuid(),
            Epoch{number()},
            {any_uuid(), number()},
            any_body()};
}

// What the document shows.
ReplicaMessage sample() {
    Uuid log;
    log.bytes.fill(0xaa);
    Uuid node;
    node.bytes.fill(0xbb);
    ChainHash chain;
    chain.fill(0xcc);
    return {Partition{1}, log, Epoch{4}, {node, 9}, Fetch{Offset{100}, Epoch{3}, chain, 2, 7}};
}

Errc refusal(const std::string& bytes) {
    const Frame frame{as_bytes(bytes)};
    const auto decoded = decode_replica_message(frame.bytes());
    return decoded ? Errc{} : decoded.error().code;
}

}  // namespace

TEST_CASE("replica messages: are what they were", "[wire]") {
    CHECK(rc::check("any", [] {
        const ReplicaMessage message = any_message();
        const Frame frame(as_bytes(encode(message)));
        RC_ASSERT((decode_replica_message(frame.bytes()).value() == message));
    }));
}

TEST_CASE("replica messages: what is none is malformed", "[wire]") {
    const std::string bytes = encode(sample());
    CHECK(refusal(bytes) == Errc{});
    CHECK(refusal({}) == Errc::malformed);
    CHECK(refusal(bytes.substr(0, bytes.size() - 8)) == Errc::malformed);

    // A verb that is none, where two messages differ in theirs alone.
    ReplicaMessage fence = sample();
    fence.body = Fence{};
    ReplicaMessage fenced = sample();
    fenced.body = Fenced{};
    std::string one = encode(fence);
    const std::string other = encode(fenced);
    const auto differ = std::mismatch(one.begin(), one.end(), other.begin()).first;
    REQUIRE(differ != one.end());
    *differ = 5;
    CHECK(refusal(one) == Errc::malformed);
}

TEST_CASE("replica messages: the bytes of the document's fetch", "[wire][golden]") {
    CHECK(to_hex(encode(sample())) == to_hex(fenced(SKALD_PROTOCOL, "fetch of a replica")));
}

TEST_CASE("replica messages: frames that come along are whole batches", "[wire]") {
    IdSource ids;
    BatchBuilder builder;
    builder.begin(Epoch{2}, Offset{5}, {});
    NewEvent happened;
    happened.type = "happened";
    const std::string event = encode_request(Append::one("s", happened), ids).value().bytes;
    const Version first{0};
    builder.add(RequestView::open(as_bytes(event)).value(), {&first, 1}, nullptr);
    const std::string batch = builder.finish(Offset{5}, 0);
    const auto heads = batch_heads({as_bytes(batch)});
    REQUIRE(heads);
    REQUIRE(heads->size() == 1);
    CHECK((*heads)[0].base == Offset{5});
    CHECK((*heads)[0].end == Offset{6});
    CHECK((*heads)[0].epoch == Epoch{2});
    CHECK((*heads)[0].chain_before != (*heads)[0].chain);

    std::string damaged = batch;
    damaged[40] = static_cast<char>(damaged[40] ^ 1);
    CHECK(batch_heads({as_bytes(batch), as_bytes(damaged)}).error().code == Errc::malformed);
    CHECK(batch_heads({as_bytes(std::string("none"))}).error().code == Errc::malformed);
}

}  // namespace skald::wire
