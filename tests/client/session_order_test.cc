// What a session sends in which order, and what it holds back.
#include "base/limits.h"
#include "tests/client/session_fixture.h"

namespace skald::client {

TEST_CASE("session: no more is on its way than the log remembers", "[client]") {
    SessionFixture f(1, 2);
    f.welcome(10'000);
    for (int i = 0; i < 5000; ++i) {
        f.append(0);
    }
    CHECK(f.sent().size() == limits::kProducerRequestsMax);
    f.append(1);
    CHECK(ids(f.sent()) == Ids{0});
    f.receipts(0, 2);
    CHECK(ids(f.sent()) == Ids{4096, 4097});
    f.lose();
    f.reconnect();
    f.welcome(10'000);
    const auto again = f.sent();
    REQUIRE(again.size() == 4097);
    CHECK(again.front().id == 2);
    f.receipts(2, 4096);
    CHECK(f.sent().size() == 902);
    f.receipts(4098, 902);
    for (int i = 0; i < 5000; ++i) {
        REQUIRE(f.resolved(i) == 1);
    }
}

TEST_CASE("session: what waits for its partition has a deadline too", "[client]") {
    SessionFixture f(1, 2);
    f.welcome(10'000);
    for (int i = 0; i < 4097; ++i) {
        f.append(0);
    }
    f.append(1);
    SECTION("and ends unsent") {
        for (int i = 0; i < 11; ++i) {
            f.receive(msg::Heartbeat{});
            f.pass(1s);
        }
        CHECK(f.error(4095) == Errc::outcome_unknown);
        CHECK(f.error(4096) == Errc::busy);
    }
    SECTION("and ends with the client") {
        f.close();
        CHECK(f.error(4096) == Errc::connection_lost);
    }
}

TEST_CASE("session: a new call does not overtake what is to be sent again", "[client]") {
    SessionFixture f;
    f.welcome();
    f.receive(msg::Busy{4 << 20, 100});
    f.append(0, 600'000);
    f.append(0, 600'000);
    CHECK(ids(f.sent()) == Ids{0, 1});
    f.lose();
    f.reconnect();
    f.welcome();
    CHECK(ids(f.sent()) == Ids{0});
    f.append(0, 10);
    CHECK(f.sent().empty());
    f.receipts(0, 1);
    CHECK(ids(f.sent()) == Ids{1, 2});
}

TEST_CASE("session: other requests wait for their turn, and busy is no answer", "[client]") {
    SessionFixture f;
    f.welcome();
    f.messages();
    std::vector<std::optional<Errc>> answers(6);
    for (auto& answer : answers) {
        f.session().request({msg::GetPosition{}, nullptr, f.now() + 1s, [&](Result<Answer> got) {
                                 answer = got ? Errc::already_exists : got.error().code;
                             }});
    }
    f.take();
    CHECK(f.messages().size() == limits::kClientPlainUnderWay);
    f.receive(msg::Rejected{msg::kFirstPlainId, {}, Error(Errc::busy, "later")});
    CHECK_FALSE(answers[0]);
    CHECK(f.messages().empty());
    f.receive(msg::PositionAnswer{msg::kFirstPlainId + 1, {}});
    CHECK(answers[1]);
    f.pass(100ms);
    const auto sent = f.messages();
    REQUIRE(sent.size() == 2);
    CHECK(std::get<msg::GetPosition>(sent[0]).id == msg::kFirstPlainId + 4);
    f.receive(msg::Rejected{msg::kFirstPlainId + 4, {}, Error(Errc::busy, "later")});
    f.pass(1s);
    CHECK(answers[0] == Errc::busy);
    CHECK(answers[2] == Errc::timed_out);
    CHECK(answers[5] == Errc::timed_out);
}

TEST_CASE("session: the queue of other requests has a bound", "[client]") {
    SessionFixture f;
    int busy = 0;
    const auto most = limits::kClientPlainUnderWay + limits::kClientPlainWaitingMax;
    for (std::size_t i = 0; i < most + 3; ++i) {
        f.session().request({msg::GetPosition{}, nullptr, f.now() + 1s, [&](Result<Answer> got) {
                                 busy += got.error().code == Errc::busy ? 1 : 0;
                             }});
    }
    f.take();
    CHECK(busy >= 3);
    f.close();
}

TEST_CASE("session: a call without an answer makes room when its time is over", "[client]") {
    SessionFixture f;
    f.welcome(1);
    const int first = f.append();
    f.sent();
    for (int i = 0; i < 10; ++i) {
        f.receive(msg::Heartbeat{});
        f.pass(900ms);
    }
    f.append();
    CHECK(f.sent().empty());
    f.pass(1100ms);
    CHECK(f.error(first) == Errc::outcome_unknown);
    CHECK(ids(f.sent()) == Ids{1});
}

}  // namespace skald::client
