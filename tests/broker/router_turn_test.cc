// Who gets what of the node, and when: turns, room and what waits for them.
#include <algorithm>
#include <catch2/catch.hpp>

#include "broker/limits.h"
#include "broker/router.h"
#include "broker/transport/send_room.h"
#include "tests/broker/router_fixture.h"

namespace skald::broker {

TEST_CASE("router: reads wait for room, and no more than 64 of them", "[broker]") {
    RouterFixture f;
    f.hello(1);
    f.set_room(0);
    const std::uint64_t first = msg::kFirstPlainId;
    std::uint64_t id = first;
    for (int i = 0; i < 20; ++i) {
        f.say(1, msg::Read{id++, {}});
        f.say(1, msg::GetSnapshot{id++, "s"});
        f.say(1, msg::ListStreams{id++, "*", "", 1000});
        f.say(1, msg::GetStream{id++, "s"});
        f.say(1, msg::GetPosition{id++});
    }
    while (f.pump()) {
    }
    CHECK(f.run_jobs() == 0);
    CHECK(f.sent<msg::Page>(1).empty());
    CHECK(f.sent<msg::SnapshotAnswer>(1).empty());
    CHECK(f.sent<msg::StreamAnswer>(1).empty());
    CHECK(f.sent<msg::PositionAnswer>(1).empty());
    const auto refused = f.sent<msg::Rejected>(1);
    REQUIRE(refused.size() == 36);
    CHECK(refused[0].error.code == Errc::busy);
    CHECK(refused[0].id == first + kPlainRequestsMax);
    f.set_room(limits::kMiB);
    for (int i = 0; i < 100; ++i) {
        f.pump();
        f.run_jobs();
    }
    const std::size_t answers =
        f.sent<msg::Page>(1).size() + f.sent<msg::SnapshotAnswer>(1).size() +
        f.sent<msg::StreamListAnswer>(1).size() + f.sent<msg::StreamAnswer>(1).size() +
        f.sent<msg::PositionAnswer>(1).size();
    CHECK(answers == kPlainRequestsMax);
    f.forget();
    f.say(1, msg::Read{id++, {}});
    CHECK_FALSE(f.refusal(1));
}

TEST_CASE("router: one turn sends a bounded number of bytes, and all subscriptions get theirs",
          "[broker]") {
    RouterFixture f;
    f.hello(1);
    f.hello(2, 2);
    constexpr std::uint64_t kMany = 1024;
    const std::uint64_t id = msg::kFirstPlainId;
    for (std::uint64_t i = 0; i < kMany; ++i) {
        f.say(1, msg::Subscribe{id + i, {}, Beginning{}, false, 1, 2 * limits::kMiB});
    }
    for (std::uint64_t i = 0; i < 4; ++i) {
        f.say(2, msg::Subscribe{id + i, {}, Beginning{}, false, 1, 2 * limits::kMiB});
    }
    for (std::uint64_t i = 0; i < kMany + 4; ++i) {
        f.volume().feed->steps.emplace_back(one_chunk(i, 1, false, limits::kMiB));
    }
    f.forget();
    bool more = true;
    for (int turns = 0; more; ++turns) {
        const std::size_t before = f.bytes_sent();
        more = f.pump();
        CHECK(f.bytes_sent() - before <= limits::kTurnSendBytesMax + limits::kMiB);
        if (turns == 8) {
            CHECK(f.sent<msg::Deliver>(2).size() == 4);
        }
        REQUIRE(turns < 10'000);
    }
    CHECK(f.sent<msg::Deliver>(1).size() == kMany);
}

TEST_CASE("router: a turn ends when it is late", "[broker]") {
    RouterFixture f;
    f.hello(1);
    for (std::uint64_t i = 0; i < 10; ++i) {
        f.volume().feed->steps.emplace_back(one_chunk(i, 1, false));
    }
    f.say(1, msg::Subscribe{msg::kFirstPlainId, {}, Beginning{}, false, 1000, limits::kMiB});
    int asked = 0;
    CHECK(f.pump([&] { return ++asked > 4; }));
    CHECK(f.sent<msg::Deliver>(1).size() <= 4);
    CHECK(f.sent<msg::Deliver>(1).size() >= 1);
}

TEST_CASE("router: a read that finds nothing for long goes on in its next turn", "[broker]") {
    RouterFixture f;
    f.hello(1);
    const std::size_t turns = limits::kScanRecordsMax / limits::kStepRecordsMax;
    for (std::size_t i = 0; i < 2 * turns; ++i) {
        f.volume().feed->steps.emplace_back(store::Step{});
    }
    f.volume().feed->steps.emplace_back(one_chunk(7, 1, true));
    for (int page = 1; page <= 3; ++page) {
        f.say(1, msg::Read{msg::kFirstPlainId, {}});
        while (f.pump()) {
        }
        REQUIRE(f.sent<msg::Page>(1).size() == static_cast<std::size_t>(page));
        CHECK(f.sent<msg::Page>(1).back().chunks.size() == (page == 3 ? 1 : 0));
        CHECK(f.sent<msg::Page>(1).back().end == (page == 3));
    }
}

TEST_CASE("router: ready sessions are served in turn", "[broker]") {
    RouterFixture f;
    constexpr PeerId kPeers = 100;
    for (PeerId peer = 1; peer <= kPeers; ++peer) {
        f.hello(peer, static_cast<std::uint8_t>(peer));
        f.say(peer, msg::Subscribe{msg::kFirstPlainId, {}, Beginning{}, false, 1000, limits::kMiB});
    }
    for (std::uint64_t i = 0; i < 4000; ++i) {
        f.volume().feed->steps.emplace_back(one_chunk(i, 1, false));
    }
    for (int turn = 0; turn < 50; ++turn) {
        f.pump();
    }
    std::size_t least = 4000;
    std::size_t most = 0;
    for (PeerId peer = 1; peer <= kPeers; ++peer) {
        least = std::min(least, f.sent<msg::Deliver>(peer).size());
        most = std::max(most, f.sent<msg::Deliver>(peer).size());
    }
    CHECK(least > 0);
    CHECK(most - least <= limits::kVisitStepsMax);
}

TEST_CASE("router: a snapshot too large is refused unread, and all of them are bounded",
          "[broker]") {
    NodeLimits limits;
    limits.request_bytes_in_flight = 4 * skald::limits::kMiB + 1000;
    RouterFixture f(limits);
    f.hello(1);
    std::uint64_t id = msg::kFirstPlainId;
    const std::string most(limits::kSnapshotBytesMax, 's');
    f.say(1, msg::PutSnapshot{id++, "s", Version{1}, 0}, most + "s");
    CHECK(f.refusal(1) == Errc::request_too_large);
    CHECK(f.router().jobs().empty());
    f.forget();
    f.say(1, msg::PutSnapshot{id++, "s", Version{1}, 0}, most);
    CHECK_FALSE(f.refusal(1));
    f.say(1, msg::PutSnapshot{id++, "s", Version{1}, 0}, most);
    CHECK(f.refusal(1) == Errc::busy);
    CHECK(f.run_jobs() == 1);
    f.forget();
    f.say(1, msg::PutSnapshot{id++, "s", Version{1}, 0}, most);
    CHECK_FALSE(f.refusal(1));
    f.say(1, msg::Bye{});
    CHECK(f.run_jobs() == 1);
    f.hello(1);
    f.say(1, msg::PutSnapshot{id++, "s", Version{1}, 0}, most);
    CHECK_FALSE(f.refusal(1));
}

TEST_CASE("send room: peers that stand still leave room for one that does not", "[broker]") {
    const std::size_t bound = limits::kSendBytesQueued;
    for (const std::size_t stalled : {std::size_t{1}, std::size_t{8}, std::size_t{200}}) {
        std::vector<std::size_t> own(stalled);
        std::size_t total = 0;
        for (bool moved = true; moved;) {
            moved = false;
            for (std::size_t& held : own) {
                const std::size_t sent =
                    std::min(send_room(held, total, bound, stalled + 1), kDeliverBytes);
                held += sent;
                total += sent;
                moved = moved || sent != 0;
            }
        }
        CAPTURE(stalled, total);
        CHECK(total <= bound);
        CHECK(send_room(0, total, bound, stalled + 1) >= limits::kPeerSendFloor);
    }
}

TEST_CASE("send room: next to nothing is sent even when others hold all", "[broker]") {
    const std::size_t bound = limits::kSendBytesQueued;
    CHECK(send_room(0, bound, bound, 1) == limits::kPeerSendFloor);
    CHECK(send_room(limits::kPeerSendFloor, bound, bound, 1) == 0);
    CHECK(send_room(0, bound + limits::kSendReserve, bound, 1) == 0);
    CHECK(send_room(0, 0, bound, 1) <= limits::kPeerSendBytesMax);
}

TEST_CASE("effects: a peer that was lost gets nothing of what was to come after", "[broker]") {
    Effects effects;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        for (const PeerId peer : {1U, 2U}) {
            effects.send(peer, msg::Deliver{id, {}, {}});
        }
    }
    std::vector<std::uint64_t> got;
    std::vector<PeerId> lost;
    std::size_t full = 1;  // the second send fails once, then the pipe has room again
    send_all(
        effects,
        [&](const Outgoing& outgoing) {
            if (outgoing.peer == 2 && full != 0) {
                --full;
                return false;
            }
            got.push_back(std::get<msg::Deliver>(outgoing.message).subscription);
            return true;
        },
        [&](PeerId peer) { lost.push_back(peer); });
    CHECK(got == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(lost == std::vector<PeerId>{2});
}

TEST_CASE("router: a node's subscriptions are bounded", "[broker]") {
    NodeLimits limits;
    limits.node_subscriptions = 2;
    RouterFixture f(limits);
    const std::uint64_t id = msg::kFirstPlainId;
    for (PeerId peer = 1; peer <= 3; ++peer) {
        f.hello(peer, static_cast<std::uint8_t>(peer));
        f.say(peer, msg::Subscribe{id, {}, Beginning{}, false, 10, 1000});
    }
    CHECK(f.sent<msg::Subscribed>(2).size() == 1);
    CHECK(f.refusal(3) == Errc::busy);
    f.say(1, msg::Unsubscribe{id});
    f.forget();
    f.say(3, msg::Subscribe{id + 1, {}, Beginning{}, false, 10, 1000});
    CHECK(f.sent<msg::Subscribed>(3).size() == 1);
}

TEST_CASE("router: subscriptions are bounded by what they select, too", "[broker]") {
    NodeLimits node_limits;
    node_limits.subscriptions = 4096;
    RouterFixture f(node_limits);
    Selection largest;
    largest.types.assign(limits::kGlobsMax, std::string(limits::kGlobBytesMax, 'g'));
    largest.streams = largest.types;
    const std::uint64_t first = msg::kFirstPlainId;
    std::uint64_t id = first;
    const auto subscribe = [&](PeerId peer) {
        f.forget();
        f.say(peer, msg::Subscribe{id++, largest, Beginning{}, false, 10, 1000});
        return !f.refusal(peer);
    };
    f.hello(1);
    f.hello(2, 2);
    std::size_t taken = 0;
    while (subscribe(1)) {
        ++taken;
    }
    const std::size_t each = 2 * limits::kGlobsMax * limits::kGlobBytesMax;
    CHECK(taken <= kSubscriptionBytesMax / each);
    CHECK(taken >= kSubscriptionBytesMax / each / 2);
    CHECK(f.refusal(1) == Errc::busy);
    CHECK_FALSE(subscribe(2));
    f.say(1, msg::Unsubscribe{first});
    CHECK(subscribe(2));
    CHECK_FALSE(subscribe(2));
    f.say(1, msg::Bye{});
    f.forget();
    for (std::size_t i = 0; i + 1 < taken; ++i) {
        f.say(2, msg::Subscribe{id++, largest, Beginning{}, false, 10, 1000});
    }
    CHECK_FALSE(f.refusal(2));
}

TEST_CASE("router: memory that requests keep counts for all that shares it", "[broker]") {
    RouterFixture f;
    f.hello(1);
    RequestArena& arena = f.router().arena();
    std::vector<RequestArena::Place> kept;
    const std::string bytes(limits::kMiB, 'x');
    while (arena.owned_bytes() <= NodeLimits{}.request_bytes_in_flight + kRoundBytesMax) {
        kept.push_back(arena.copy(as_bytes(bytes)));
    }
    f.append(1, 0, 0);
    CHECK(f.refusal(1) == Errc::busy);
    CHECK(f.submitted().empty());
    f.forget();
    for (const RequestArena::Place& place : kept) {
        arena.release(place.block);
    }
    f.append(1, 0, 0);
    CHECK_FALSE(f.refusal(1));
    CHECK(f.submitted().size() == 1);
}

}  // namespace skald::broker
