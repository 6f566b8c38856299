#include <catch2/catch.hpp>

#include "tests/client/session_fixture.h"

namespace skald::client {
namespace {

// The one subscription of the session, begun; its id.
SubscriptionId subscribed(SessionFixture& f, std::uint32_t events = 100) {
    Subscribe request;
    request.ephemeral = true;
    request.events_in_flight = events;
    f.session().subscribe({request, f.now() + 10s, [](const Result<Begun>&) {}});
    f.take();
    const auto message = std::get<msg::Subscribe>(f.messages().back());
    CHECK(message.ephemeral);
    f.receive(msg::Subscribed{message.id, {}});
    return message.id;
}

Errc error_of(const std::optional<Result<Answer>>& outcome) {
    REQUIRE(outcome);
    REQUIRE_FALSE(*outcome);
    return outcome->error().code;
}

const std::string kFrame(300, 'e');

std::vector<Body> one_body() {
    return {{as_bytes(kFrame), nullptr}};
}

}  // namespace

TEST_CASE("session: an ephemeral event is answered", "[client]") {
    SessionFixture f;
    f.welcome();
    const auto outcome = f.publish();
    f.receive(msg::Done{f.published().value()});
    REQUIRE(*outcome);
    CHECK(std::holds_alternative<msg::Done>((*outcome)->value().message));
}

TEST_CASE("session: an ephemeral event whose answer is lost is not sent again", "[client]") {
    SessionFixture f;
    f.welcome();
    const auto outcome = f.publish();
    REQUIRE(f.published());
    SECTION("with the connection") {
        const auto position = std::make_shared<bool>();
        f.session().request({msg::GetPosition{}, nullptr, f.now() + 10s,
                             [position](const Result<Answer>&) { *position = true; }});
        f.lose();
        CHECK(error_of(*outcome) == Errc::outcome_unknown);
        f.reconnect();
        f.welcome();
        CHECK_FALSE(*position);  // that one is
        const auto again = f.messages();
        CHECK(std::holds_alternative<msg::GetPosition>(again.back()));
        for (const msg::FromClient& message : again) {
            CHECK_FALSE(std::holds_alternative<msg::PublishEphemeral>(message));
        }
    }
    SECTION("in time") {
        f.pass(4s);
        f.receive(msg::Heartbeat{});
        f.pass(4s);
        f.receive(msg::Heartbeat{});
        f.pass(4s);
        CHECK(error_of(*outcome) == Errc::outcome_unknown);
    }
    SECTION("by closing") {
        f.close();
        CHECK(error_of(*outcome) == Errc::outcome_unknown);
    }
}

TEST_CASE("session: an ephemeral event that waits is sent once there is a connection", "[client]") {
    SessionFixture f;
    const auto outcome = f.publish();
    CHECK_FALSE(f.published());
    f.lose();
    CHECK_FALSE(*outcome);
    f.reconnect();
    f.welcome();
    CHECK(f.published());
}

TEST_CASE("session: an ephemeral event that was refused as busy is tried again", "[client]") {
    SessionFixture f;
    f.welcome();
    const auto outcome = f.publish();
    f.reject(f.published().value(), Errc::busy);
    CHECK_FALSE(*outcome);
    f.pass(100ms);
    const auto again = f.published();
    REQUIRE(again);
    SECTION("and lost then") {
        f.lose();
        CHECK(error_of(*outcome) == Errc::outcome_unknown);
    }
    SECTION("or refused for good") {
        f.reject(*again, Errc::forbidden);
        REQUIRE(*outcome);
        CHECK(std::holds_alternative<msg::Rejected>((*outcome)->value().message));
    }
}

TEST_CASE("session: ephemeral events are told, and give their credit back", "[client]") {
    SessionFixture f;
    f.welcome();
    const SubscriptionId id = subscribed(f, 4);
    f.receive(msg::Ephemeral{id}, one_body());
    f.receive(msg::Ephemeral{id}, one_body());
    f.receive(msg::Dropped{id, 7});
    const auto told = f.told();
    REQUIRE(told.size() == 3);
    CHECK(told[0].kind == Told::Kind::ephemeral);
    CHECK(told[0].chunks.at(0).events == 1);
    CHECK(told[2].kind == Told::Kind::dropped);
    CHECK(told[2].dropped == 7);
    f.messages();
    f.session().consumed(id, 2, 600);
    f.take();
    const auto credit = f.messages();
    REQUIRE(credit.size() == 1);
    CHECK(std::get<msg::Credit>(credit[0]).events == 6);
    CHECK(std::get<msg::Credit>(credit[0]).bytes == Subscribe{}.bytes_in_flight + 600);
}

TEST_CASE("session: an ephemeral event without its body breaks the connection", "[client]") {
    SessionFixture f;
    f.welcome();
    const SubscriptionId id = subscribed(f);
    SECTION("of a subscription that ended") {
        f.receive(msg::Ephemeral{id + 1}, one_body());
        f.receive(msg::Dropped{id + 1, 1});
        CHECK(f.connected_);
        CHECK(f.told().empty());
    }
    f.receive(msg::Ephemeral{id});
    CHECK_FALSE(f.connected_);
    CHECK(f.told().empty());
}

}  // namespace skald::client
