#include "client/session.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>

#include "tests/client/session_fixture.h"

namespace skald::client {

TEST_CASE("session: says Hello, and sends what waited once welcome", "[client]") {
    SessionFixture f;
    REQUIRE(std::holds_alternative<msg::Hello>(f.messages().at(0)));
    const int call = f.append();
    CHECK(f.sent().empty());
    f.welcome();
    CHECK(ids(f.sent()) == Ids{0});
    f.receipts(0, 1);
    CHECK(f.resolved(call) == 1);
    CHECK_FALSE(f.error(call));
}

TEST_CASE("session: one message answers many requests", "[client]") {
    SessionFixture f;
    f.welcome();
    for (int i = 0; i < 5; ++i) {
        f.append();
    }
    f.receipts(0, 5);
    for (int i = 0; i < 5; ++i) {
        CHECK(f.resolved(i) == 1);
    }
    f.receipts(0, 5);
    CHECK(f.resolved(0) == 1);
}

TEST_CASE("session: sequences are counted in each partition", "[client]") {
    SessionFixture f(1, 2);
    f.welcome();
    f.append(0);
    f.append(1);
    f.append(1);
    CHECK(ids(f.sent()) == Ids{0, 0, 1});
}

TEST_CASE("session: credit holds requests back", "[client]") {
    SessionFixture f;
    f.welcome(2);
    for (int i = 0; i < 4; ++i) {
        f.append();
    }
    CHECK(ids(f.sent()) == Ids{0, 1});
    f.receipts(0, 1);
    CHECK(ids(f.sent()) == Ids{2});
    f.receive(msg::Busy{1 << 20, 5});
    CHECK(ids(f.sent()) == Ids{3});
}

TEST_CASE("session: after a break the unanswered go again, gaps named as resolved", "[client]") {
    SessionFixture f;
    f.welcome();
    for (int i = 0; i < 4; ++i) {
        f.append();
    }
    f.reject(1, Errc::wrong_expected_version);
    CHECK(f.error(1) == Errc::wrong_expected_version);
    f.sent();
    f.lose();
    f.reconnect();
    f.welcome();
    const auto again = f.sent();
    CHECK(ids(again) == Ids{0, 2, 3});
    CHECK(again[1].after == 1);
    CHECK(again[1].resolved_below == 0);
    CHECK(again[2].after == 3);
    f.receipts(0, 1);
    f.receipts(2, 2);
    for (int i = 0; i < 4; ++i) {
        CHECK(f.resolved(i) == 1);
    }
}

TEST_CASE("session: a refusal of what was sent before proves little", "[client]") {
    const auto [code, expected] = GENERATE(table<Errc, std::optional<Errc>>({
        {Errc::already_rejected, Errc::already_rejected},
        {Errc::wrong_expected_version, Errc::wrong_expected_version},
        {Errc::fenced, Errc::outcome_unknown},
        {Errc::forbidden, Errc::outcome_unknown},
        {Errc::store_failed, Errc::outcome_unknown},
        {Errc::busy, std::nullopt},
        {Errc::shutting_down, std::nullopt},
    }));
    SessionFixture f;
    f.welcome();
    const int call = f.append();
    f.lose();
    f.reconnect();
    f.welcome();
    f.reject(0, code);
    CHECK(f.error(call) == expected);
    f.sent();
    if (!expected) {
        f.pass(100ms);
        CHECK(ids(f.sent()) == Ids{0});
        f.receipts(0, 1);
    }
    CHECK(f.resolved(call) == 1);
}

TEST_CASE("session: a refusal of a change that was sent before proves less", "[client]") {
    const auto [code, expected] = GENERATE(table<Errc, Errc>({
        {Errc::stream_tombstoned, Errc::outcome_unknown},
        {Errc::not_found, Errc::outcome_unknown},
        {Errc::wrong_expected_version, Errc::outcome_unknown},
        {Errc::invalid_argument, Errc::invalid_argument},
        {Errc::already_rejected, Errc::already_rejected},
    }));
    SessionFixture f;
    f.welcome();
    const int once = f.change();
    f.reject(0, code);
    CHECK(f.error(once) == code);
    const int again = f.change();
    f.lose();
    f.reconnect();
    f.welcome();
    f.reject(1, code);
    CHECK(f.error(again) == expected);
}

TEST_CASE("session: deadlines", "[client]") {
    SessionFixture f;
    SECTION("of what was never sent: nothing was written") {
        const int call = f.append();
        for (int i = 0; i < 11; ++i) {
            f.pass(1s);
        }
        CHECK(f.error(call) == Errc::unreachable);
        CHECK(f.message(call) ==
              "nothing was sent in time: tcp://node-0:7400: no node answers there: start it, or "
              "name another server");
    }
    SECTION("of what the node took no more of: busy") {
        f.welcome(0);
        const int call = f.append();
        for (int i = 0; i < 11; ++i) {
            f.receive(msg::Heartbeat{});
            f.pass(1s);
        }
        CHECK(f.error(call) == Errc::busy);
        CHECK(f.message(call) ==
              "tcp://node-0:7400: the node is busy, and nothing was sent in time: try again later");
    }
    SECTION("of what was sent before the node went away: unknown, with why") {
        f.welcome();
        const int call = f.append();
        f.lose();
        for (int i = 0; i < 11; ++i) {
            f.pass(1s);
        }
        CHECK(f.error(call) == Errc::outcome_unknown);
        CHECK(f.message(call) ==
              "no answer came in time: tcp://node-0:7400: no node answers there: start it, or name "
              "another server; it may have been written: sent again with the same ids and checked "
              "for them, "
              "the answer tells");
    }
    SECTION("of what was sent: unknown, and a late answer changes nothing") {
        f.welcome();
        const int call = f.append();
        for (int i = 0; i < 11; ++i) {
            f.receive(msg::Heartbeat{});
            f.pass(1s);
        }
        CHECK(f.error(call) == Errc::outcome_unknown);
        f.receipts(0, 1);
        CHECK(f.resolved(call) == 1);
        f.sent();
        f.append();
        const auto next = f.sent();
        CHECK(next.at(0).id == 1);
        CHECK(next.at(0).resolved_below == 1);
    }
}

TEST_CASE("session: a silent node is left, and the next server tried", "[client]") {
    SessionFixture f(2);
    f.welcome();
    for (int i = 0; i < 6; ++i) {
        f.pass(1s);
    }
    f.reconnect();
    CHECK(f.servers_ == std::vector<std::size_t>{0, 1});
}

TEST_CASE("session: heartbeats when nothing else is sent", "[client]") {
    SessionFixture f;
    f.welcome();
    f.messages();
    f.pass(1001ms);
    const auto messages = f.messages();
    REQUIRE(messages.size() == 1);
    CHECK(std::holds_alternative<msg::Heartbeat>(messages[0]));
}

TEST_CASE("session: connecting fails once every server refused", "[client]") {
    SessionFixture f(2);
    f.lose();
    CHECK(f.session().standing() == Standing::trying);
    f.reconnect();
    f.lose();
    CHECK(f.session().standing() == Standing::failed);
    CHECK(f.session().failure() ==
          Error(Errc::unreachable,
                "tcp://node-1:7400: no node answers there: start it, or name another server "
                "(tried tcp://node-0:7400, tcp://node-1:7400)"));
}

TEST_CASE("session: a refusal for good ends connecting at once", "[client]") {
    SessionFixture f(3);
    f.receive(msg::Goodbye{Error(Errc::forbidden, "no")});
    CHECK(f.session().standing() == Standing::failed);
    CHECK(f.session().failure().code == Errc::forbidden);
}

TEST_CASE("session: a subscription goes on at its position after a break", "[client]") {
    SessionFixture f;
    f.welcome();
    std::optional<SubscriptionId> id;
    Subscribe request;
    request.start = End{};
    request.events_in_flight = 10;
    f.session().subscribe({request, f.now() + 10s, [&](Result<Begun> got) { id = got->id; }});
    f.take();
    f.messages();
    const SubscriptionId first = msg::kFirstPlainId;
    f.receive(msg::Subscribed{first, {Uuid{}, {{Partition{}, Uuid{}, Epoch{1}, Offset{5}}}}});
    REQUIRE(id == first);
    f.receive(msg::CaughtUp{first, {Uuid{}, {{Partition{}, Uuid{}, Epoch{1}, Offset{8}}}}});
    f.lose();
    auto told = f.told();
    REQUIRE(told.size() == 2);
    CHECK(told[1].kind == Told::Kind::fell_behind);
    f.reconnect();
    f.welcome();
    const auto messages = f.messages();
    const auto& again = std::get<msg::Subscribe>(messages.back());
    CHECK(std::get<Position>(again.start).partitions.at(0).next == Offset{8});
    CHECK(again.credit_events == 10);
}

TEST_CASE("session: a Deliver that lacks a body is a broken connection", "[client]") {
    SessionFixture f;
    f.welcome();
    f.session().subscribe({Subscribe{}, f.now() + 10s, [](const auto&) {}});
    f.take();
    const SubscriptionId id = msg::kFirstPlainId;
    f.receive(msg::Subscribed{id, {Uuid{}, {{Partition{}, Uuid{}, Epoch{1}, Offset{5}}}}});
    f.receive(msg::Deliver{id,
                           {{Partition{}, 1, Offset{5}, Offset{6}}},
                           {Uuid{}, {{Partition{}, Uuid{}, Epoch{1}, Offset{6}}}}});
    CHECK_FALSE(f.connected_);
    f.reconnect();
    f.welcome();
    const auto messages = f.messages();
    const auto& again = std::get<msg::Subscribe>(messages.back());
    CHECK(std::get<Position>(again.start).partitions.at(0).next == Offset{5});
}

TEST_CASE("session: credit is given back by halves", "[client]") {
    SessionFixture f;
    f.welcome();
    Subscribe request;
    request.events_in_flight = 10;
    f.session().subscribe({request, f.now() + 10s, [](const Result<Begun>&) {}});
    f.take();
    f.messages();
    f.session().consumed(msg::kFirstPlainId, 4, 10);
    f.take();
    CHECK(f.messages().empty());
    f.session().consumed(msg::kFirstPlainId, 1, 10);
    f.take();
    const auto messages = f.messages();
    REQUIRE(messages.size() == 1);
    CHECK(std::get<msg::Credit>(messages[0]).events == 15);
}

TEST_CASE("session: closing resolves what is open", "[client]") {
    SessionFixture f;
    f.welcome(1);
    const int sent = f.append();
    const int waiting = f.append();
    f.close();
    CHECK(f.error(sent) == Errc::outcome_unknown);
    CHECK(f.error(waiting) == Errc::connection_lost);
}

TEST_CASE("session: each call is resolved exactly once, whatever happens", "[client][model]") {
    rc::check([](const std::vector<std::uint8_t>& script) {
        SessionFixture f(2, 2);
        f.welcome(4);
        std::map<std::uint16_t, std::uint64_t> highest;
        for (const std::uint8_t step : script) {
            const auto partition = static_cast<std::uint16_t>(step & 1);
            const std::uint64_t id = (step >> 4) + (highest[partition] / 16) * 16;
            switch ((step >> 1) & 7) {
                case 0:
                case 1:
                case 2:
                    f.append(partition);
                    break;
                case 3:
                    f.receipts(id, 1 + (step & 3), partition);
                    break;
                case 4:
                    f.receive(msg::Rejected{
                        id, Partition{partition},
                        Error((step & 16) != 0 ? Errc::busy : Errc::forbidden, "no")});
                    break;
                case 5:
                    f.lose();
                    break;
                case 6:
                    f.pass(500ms);
                    break;
                default:
                    f.welcome(1 + (step >> 5));
                    break;
            }
            for (const SequencedSend& send : f.sent()) {
                RC_ASSERT(send.after <= send.id);
                RC_ASSERT(send.resolved_below <= send.after);
                auto& high = highest[send.call->partition.value];
                high = std::max(high, send.id);
            }
        }
        f.close();
        for (int call = 0; call < f.calls(); ++call) {
            RC_ASSERT(f.resolved(call) == 1);
        }
    });
}

}  // namespace skald::client
