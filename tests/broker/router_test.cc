#include "broker/router.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "broker/limits.h"
#include "tests/broker/router_fixture.h"

namespace skald::broker {

TEST_CASE("router: Hello is welcomed", "[broker]") {
    RouterFixture f;
    f.hello(1);
    REQUIRE(f.sent<msg::Welcome>(1).size() == 1);
    CHECK(f.sent<msg::Welcome>(1)[0].protocol == 1);
    CHECK(f.router().sessions() == 1);
}

TEST_CASE("router: what is not welcome", "[broker]") {
    NodeLimits limits;
    limits.sessions = 1;
    RouterFixture f(limits);
    msg::Hello hello;
    hello.producer.bytes[0] = 9;
    SECTION("a version that is not spoken") {
        hello.protocol_min = hello.protocol_max = 9;
        f.say(1, hello);
        CHECK(f.sent<msg::Goodbye>(1).at(0).error.code == Errc::unsupported_version);
    }
    SECTION("no producer") {
        hello.producer = Uuid{};
        f.say(1, hello);
        CHECK(f.sent<msg::Goodbye>(1).at(0).error.code == Errc::malformed);
    }
    SECTION("a producer's epoch that none can have") {
        hello.producer_epoch = Epoch{0};
        f.say(1, hello);
        CHECK(f.sent<msg::Goodbye>(1).at(0).error.code == Errc::malformed);
    }
    SECTION("one session too many") {
        f.hello(1, 1);
        f.hello(2, 2);
        CHECK(f.sent<msg::Goodbye>(2).at(0).error.code == Errc::busy);
    }
    SECTION("anything before Hello") {
        f.say(1, msg::GetPosition{msg::kFirstPlainId});
        CHECK(f.sent<msg::Goodbye>(1).at(0).error.code == Errc::not_ready);
    }
    CHECK(f.sent<msg::Welcome>(2).empty());
}

TEST_CASE("router: strangers are told rarely", "[broker]") {
    RouterFixture f;
    for (PeerId peer = 1; peer < 100; ++peer) {
        f.say(peer, msg::GetPosition{msg::kFirstPlainId});
        f.noise(peer);
    }
    CHECK(f.sent<msg::Goodbye>(1).size() == 1);
    CHECK(f.sent<msg::Goodbye>(2).empty());
    CHECK(f.router().counters().malformed == 99);
}

TEST_CASE("router: a producer has one session", "[broker]") {
    RouterFixture f;
    f.hello(1);
    f.hello(2);
    CHECK(f.sent<msg::Goodbye>(1).at(0).error.code == Errc::fenced);
    CHECK(f.router().sessions() == 1);
}

TEST_CASE("router: appends become submissions, outcomes one message", "[broker]") {
    RouterFixture f;
    f.hello(1);
    for (std::uint64_t id = 0; id < 5; ++id) {
        f.append(1, id, id);
    }
    REQUIRE(f.submitted().size() == 5);
    CHECK(f.submitted()[4].producer->sequence == 4);
    CHECK(f.submitted()[4].producer->resolved_below == 4);
    f.commit();
    const auto receipts = f.sent<msg::Receipts>(1);
    REQUIRE(receipts.size() == 1);
    REQUIRE(receipts[0].ranges.size() == 1);
    CHECK(receipts[0].ranges[0].count == 5);
    CHECK(f.router().in_flight() == 0);
}

TEST_CASE("router: a message carries several appends", "[broker]") {
    RouterFixture f;
    f.hello(1);
    f.append_together(1, 0, 3);
    REQUIRE(f.submitted().size() == 3);
    for (std::uint64_t i = 0; i < 3; ++i) {
        CHECK(f.submitted()[i].producer->sequence == i);
        CHECK(f.submitted()[i].producer->resolved_below == i);
        CHECK(f.submitted()[i].request.record_prefix(0).type == 1);
    }
    f.commit();
    CHECK(f.sent<msg::Receipts>(1).at(0).ranges.at(0).count == 3);
    CHECK(f.router().in_flight() == 0);
    SECTION("of which one is refused") {
        f.append_together(1, 3, 3, [](std::string& requests) {
            requests[requests.size() / 3 + 100] ^= 1;  // in the second
        });
        REQUIRE(f.submitted().size() == 2);
        CHECK(f.submitted()[1].producer->sequence == 5);
        CHECK(f.sent<msg::Rejected>(1).at(0).id == 4);
        f.commit();
        CHECK(f.router().in_flight() == 0);
    }
    SECTION("that are cut short") {
        f.append_together(1, 3, 3, [](std::string& requests) { requests.resize(100); });
        CHECK(f.submitted().empty());
        CHECK(f.refusal(1) == Errc::malformed);
    }
    SECTION("with more behind them") {
        f.append_together(1, 3, 3, [](std::string& requests) { requests += "12345678"; });
        CHECK(f.submitted().size() == 2);
        CHECK(f.refusal(1) == Errc::malformed);
        f.commit();
    }
    SECTION("or none") {
        f.append_together(1, 3, 0, [](std::string& requests) { requests = "x"; });
        CHECK(f.submitted().empty());
        CHECK(f.refusal(1) == Errc::malformed);
    }
}

TEST_CASE("router: a gap is refused unless the client resolved it or the node made it",
          "[broker]") {
    RouterFixture f({}, {{"*", {"*"}, {"s"}, {}}});
    f.hello(1);
    f.append(1, 0, 0);
    SECTION("a lost message") {
        f.append(1, 2, 2);
        CHECK(f.refusal(1) == Errc::sequence_gap);
    }
    SECTION("resolved by the client") {
        f.append(1, 2, 1);
        CHECK_FALSE(f.refusal(1));
        CHECK(f.submitted().back().producer->resolved_below == 2);
    }
    SECTION("refused by the node itself") {
        f.append(1, 1, 1, "other");
        CHECK(f.refusal(1) == Errc::forbidden);
        f.forget();
        f.append(1, 2, 2);
        CHECK_FALSE(f.refusal(1));
        CHECK(f.submitted().back().producer->resolved_below == 2);
    }
}

TEST_CASE("router: beyond credit is busy, far beyond is not even read", "[broker]") {
    NodeLimits limits;
    limits.session_requests_in_flight = 2;
    RouterFixture f(limits);
    f.hello(1);
    for (std::uint64_t id = 0; id < 3; ++id) {
        f.append(1, id, id);
    }
    CHECK(f.submitted().size() == 2);
    CHECK(f.refusal(1) == Errc::busy);
    f.append(1, 3, 3);
    CHECK(f.sent<msg::Rejected>(1).size() == 2);
    f.append(1, 4, 4);
    CHECK(f.sent<msg::Rejected>(1).size() == 2);
    CHECK(f.router().counters().discarded == 1);
    f.commit();
    f.forget();
    f.append(1, 4, 4);
    CHECK_FALSE(f.refusal(1));
    CHECK(f.submitted().size() == 1);
}

TEST_CASE("router: what the node cannot hold is not held against a client", "[broker]") {
    NodeLimits limits;
    limits.request_bytes_in_flight = 1;
    RouterFixture f(limits);
    f.hello(1);
    for (std::uint64_t id = 0; id < 100; ++id) {
        f.append(1, id, id);
    }
    CHECK(f.sent<msg::Rejected>(1).size() == 100);
    CHECK(f.router().counters().discarded == 0);
}

TEST_CASE("router: a request in hand counts for more than its bytes", "[broker]") {
    NodeLimits limits;
    limits.request_bytes_in_flight = 10 * kRequestCost;
    RouterFixture f(limits);
    f.hello(1);
    for (std::uint64_t id = 0; id < 20; ++id) {
        f.append(1, id, id);
    }
    CHECK(f.submitted().size() > 1);
    CHECK(f.submitted().size() < 10);
    CHECK(f.sent<msg::Rejected>(1).size() == 20 - f.submitted().size());
}

TEST_CASE("router: a producer is one of its key", "[broker]") {
    RouterFixture f;
    f.hello(1, 7, "the one key");
    f.hello(2, 7, "another key");
    f.hello(3, 7);
    CHECK(f.router().sessions() == 3);
    for (PeerId peer = 1; peer <= 3; ++peer) {
        f.append(peer, 0, 0);
    }
    REQUIRE(f.submitted().size() == 3);
    const auto of = [&f](std::size_t i) { return f.submitted()[i].producer->id; };
    Uuid plain;
    plain.bytes[0] = 7;
    CHECK(of(2) == plain);
    CHECK(of(0) != of(1));
    CHECK(of(0) != plain);
    CHECK(of(1) != plain);
    f.hello(4, 7, "the one key");
    CHECK(f.sent<msg::Goodbye>(1).at(0).error.code == Errc::fenced);
    CHECK(f.router().sessions() == 3);
    f.append(4, 1, 1);
    CHECK(f.submitted().back().producer->id == of(0));
}

TEST_CASE("router: malformed messages end in a goodbye, then silence", "[broker]") {
    RouterFixture f;
    f.hello(1);
    f.hello(2, 2);
    for (std::uint32_t i = 0; i < 3 * kMalformedMax; ++i) {
        f.noise(1);
    }
    CHECK(f.sent<msg::Goodbye>(1).size() == 1);
    CHECK(f.router().counters().discarded != 0);
    f.append(2, 0, 0);
    CHECK(f.submitted().size() == 1);
}

TEST_CASE("router: heartbeats go out and silence expires", "[broker]") {
    RouterFixture f;
    f.hello(1);
    f.tick(2s);
    CHECK(f.sent<msg::Heartbeat>(1).size() == 1);
    f.say(1, msg::Heartbeat{});
    f.tick(4s);
    CHECK(f.router().sessions() == 1);
    f.tick(2s);
    CHECK(f.router().sessions() == 0);
    CHECK(f.sent<msg::Goodbye>(1).size() == 1);
}

TEST_CASE("router: an outcome after the session's end is nobody's", "[broker]") {
    RouterFixture f;
    f.hello(1);
    f.append(1, 0, 0);
    f.say(1, msg::Bye{});
    CHECK(f.router().sessions() == 0);
    f.commit();
    CHECK(f.sent<msg::Receipts>(1).empty());
    CHECK(f.router().in_flight() == 0);
}

TEST_CASE("router: rights decide what may be read", "[broker]") {
    RouterFixture f({}, {{"*", {"open-*"}, {}, {}}});
    f.hello(1);
    f.say(1, msg::GetStream{msg::kFirstPlainId, "shut"});
    CHECK(f.refusal(1) == Errc::forbidden);
    f.say(1, msg::Read{msg::kFirstPlainId, {Selection::stream("shut")}});
    CHECK(f.refusal(1) == Errc::forbidden);
    f.say(1, msg::Read{msg::kFirstPlainId, {}});
    f.pump();
    CHECK(f.volume().asked.allowed == std::vector<std::string>{"open-*"});
    CHECK(f.sent<msg::Page>(1).size() == 1);
}

TEST_CASE("router: a subscription delivers, catches up and falls behind", "[broker]") {
    RouterFixture f;
    f.hello(1);
    Feed& feed = *f.volume().feed;
    feed.steps.emplace_back(one_chunk(0, 10, false));
    feed.steps.emplace_back(one_chunk(10, 10, true));
    const std::uint64_t id = msg::kFirstPlainId;
    f.say(1, msg::Subscribe{id, {}, Beginning{}, false, 100, 1 << 20});
    REQUIRE(f.sent<msg::Subscribed>(1).size() == 1);
    while (f.pump()) {
    }
    CHECK(f.sent<msg::Deliver>(1).size() == 2);
    CHECK(f.sent<msg::CaughtUp>(1).size() == 1);
    f.forget();
    feed.steps.emplace_back(one_chunk(20, 5, false));
    CHECK_FALSE(f.pump());
    f.router().news();
    while (f.pump()) {
    }
    CHECK(f.sent<msg::FellBehind>(1).size() == 1);
    CHECK(f.sent<msg::Deliver>(1).size() == 1);
    CHECK(f.sent<msg::CaughtUp>(1).size() == 1);
    f.say(1, msg::Unsubscribe{id});
    CHECK(f.router().subscriptions() == 0);
}

TEST_CASE("router: without credit nothing is read for a subscriber", "[broker]") {
    RouterFixture f;
    f.hello(1);
    Feed& feed = *f.volume().feed;
    for (std::uint64_t i = 0; i < 10; ++i) {
        feed.steps.emplace_back(one_chunk(i * 10, 10, false));
    }
    const std::uint64_t id = msg::kFirstPlainId;
    f.say(1, msg::Subscribe{id, {}, Beginning{}, false, 15, 1 << 20});
    while (f.pump()) {
    }
    CHECK(feed.steps.size() == 8);
    f.say(1, msg::Credit{id, 25, 1 << 20});
    while (f.pump()) {
    }
    CHECK(feed.steps.size() == 7);
    f.say(1, msg::Credit{id, 5, 5});
    while (f.pump()) {
    }
    CHECK(feed.steps.size() == 7);
}

TEST_CASE("router: a subscription that fails ends with its error", "[broker]") {
    RouterFixture f;
    f.hello(1);
    f.volume().feed->steps.emplace_back(Error(Errc::log_truncated, "gone"));
    f.say(1, msg::Subscribe{msg::kFirstPlainId, {}, Beginning{}, false, 10, 1000});
    f.pump();
    CHECK(f.sent<msg::Ended>(1).at(0).error.code == Errc::log_truncated);
    CHECK(f.router().subscriptions() == 0);
}

TEST_CASE("router: going down refuses what is new and answers what is taken", "[broker]") {
    RouterFixture f;
    f.hello(1);
    f.append(1, 0, 0);
    f.router().begin_drain();
    f.append(1, 1, 1);
    CHECK(f.refusal(1) == Errc::shutting_down);
    f.commit();
    CHECK(f.sent<msg::Receipts>(1).size() == 1);
}

TEST_CASE("router: memory returns to nothing in flight, whatever clients do", "[broker][model]") {
    rc::check([](const std::vector<std::uint16_t>& script) {
        NodeLimits limits;
        limits.session_requests_in_flight = 4;
        limits.sessions = 3;
        RouterFixture f(limits);
        for (const std::uint16_t step : script) {
            const PeerId peer = step % 5;
            switch ((step >> 3) % 9) {
                case 0:
                    f.hello(peer, static_cast<std::uint8_t>(1 + peer % 3));
                    break;
                case 1:
                case 2:
                    f.append(peer, step >> 8, step >> 9);
                    break;
                case 3:
                    f.noise(peer);
                    break;
                case 4:
                    f.commit();
                    break;
                case 5:
                    f.say(peer, msg::Bye{});
                    break;
                case 6:
                    f.tick(700ms);
                    break;
                case 7:
                    f.router().lost(peer);
                    break;
                default:
                    f.say(peer,
                          msg::Subscribe{
                              msg::kFirstPlainId + (step >> 12), {}, Beginning{}, false, 10, 1000});
                    f.pump();
                    break;
            }
            RC_ASSERT(f.router().sessions() <= 3U);
        }
        f.commit();
        RC_ASSERT(f.router().in_flight() == 0U);
    });
}

}  // namespace skald::broker
