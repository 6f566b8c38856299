// Ephemeral events for many: in slices, over turns.
#include <algorithm>
#include <catch2/catch.hpp>

#include "broker/limits.h"
#include "tests/broker/router_fixture.h"

namespace skald::broker {
namespace {

constexpr std::uint64_t kId = msg::kFirstPlainId;

std::size_t sent_in_all(const RouterFixture& f) {
    const auto sent = f.all_sent();
    return static_cast<std::size_t>(
        std::count_if(sent.begin(), sent.end(), [](const Outgoing& outgoing) {
            return std::holds_alternative<msg::Ephemeral>(outgoing.message);
        }));
}

}  // namespace

TEST_CASE("router: a fan-out goes on over turns, whoever leaves meanwhile", "[broker]") {
    RouterFixture f;
    constexpr PeerId kPeers = 8;
    constexpr std::uint64_t kEach = 200;
    for (PeerId peer = 1; peer <= kPeers; ++peer) {
        f.hello(peer, static_cast<std::uint8_t>(peer));
        for (std::uint64_t i = 0; i < kEach; ++i) {
            f.follow(peer, kId + i);
        }
    }
    while (f.pump()) {
    }
    f.forget();
    f.publish(1, kId + kEach);
    // One slice and no more.
    REQUIRE(f.pump([n = 0]() mutable { return ++n > 1; }));
    CHECK(sent_in_all(f) == kFanOutStep);
    CHECK(f.sent<msg::Done>(1).empty());
    f.say(2, msg::Bye{});
    f.say(5, msg::Bye{});
    f.say(6, msg::Unsubscribe{kId});
    f.say(1, msg::Bye{});
    while (f.pump()) {
    }
    for (const PeerId peer : {PeerId{3}, PeerId{4}, PeerId{7}, PeerId{8}}) {
        CHECK(f.sent<msg::Ephemeral>(peer).size() == kEach);
    }
    CHECK(f.sent<msg::Ephemeral>(5).empty());
    CHECK(f.sent<msg::Ephemeral>(6).size() == kEach - 1);
    CHECK(f.sent<msg::Done>(1).empty());
    CHECK(f.router().fanning_out() == 0);
}

TEST_CASE("router: no id of a subscription outlives its session", "[broker]") {
    RouterFixture f;
    f.hello(1, 1);
    f.hello(2, 2);
    for (const std::uint64_t id : {kId, ~std::uint64_t{0}}) {
        f.follow(2, id);
    }
    f.pump();
    f.say(2, msg::Bye{});
    f.publish(1, kId);
    f.pump();
    CHECK(sent_in_all(f) == 0);
    CHECK(f.sent<msg::Done>(1).size() == 1);
}

TEST_CASE("router: what is relayed is bounded by its bytes too", "[broker]") {
    RouterFixture f;
    f.hello(1, 1);
    f.follow(1, kId);
    f.pump();
    const auto event = f.ephemeral("s", std::string(limits::kMiB, 'x'));
    int relayed = 0;
    for (; f.router().takes_relayed(); ++relayed) {
        f.router().relay(event);
    }
    CHECK(relayed == kRelayedBytesMax / limits::kMiB);
    while (f.pump()) {
    }
    CHECK(f.router().takes_relayed());
}

TEST_CASE("router: one turn sends a peer so many ephemeral events", "[broker]") {
    RouterFixture f;
    f.hello(1, 1);
    constexpr std::uint64_t kSubscriptions = 300;
    for (std::uint64_t i = 0; i < kSubscriptions; ++i) {
        f.follow(1, kId + i);
    }
    while (f.pump()) {
    }
    for (std::uint64_t i = 0; i < 10; ++i) {
        f.publish(1, kId + kSubscriptions + i);
    }
    std::size_t before = 0;
    for (bool more = true; more;) {
        more = f.pump();
        const std::size_t sent = f.sent<msg::Ephemeral>(1).size();
        CHECK(sent - before <= kTurnEphemeralMax);
        before = sent;
    }
    CHECK(before == 10 * kSubscriptions);
    CHECK(f.router().counters().ephemeral_dropped == 0);
}

}  // namespace skald::broker
