// Ephemeral events in the routing core: who gets them, and what becomes of those that nobody can
// take.
#include <catch2/catch.hpp>

#include "broker/limits.h"
#include "broker/relay.h"
#include "tests/broker/router_fixture.h"

namespace skald::broker {
namespace {

constexpr std::uint64_t kId = msg::kFirstPlainId;

std::uint64_t dropped(RouterFixture& f, PeerId peer) {
    std::uint64_t events = 0;
    for (const msg::Dropped& told : f.sent<msg::Dropped>(peer)) {
        events += told.events;
    }
    return events;
}

// The frames of the ephemeral events that were sent.
std::vector<Frame> frames(const RouterFixture& f) {
    std::vector<Frame> found;
    for (const Outgoing& outgoing : f.all_sent()) {
        if (std::holds_alternative<msg::Ephemeral>(outgoing.message)) {
            REQUIRE(outgoing.bodies.size() == 1);
            found.push_back(outgoing.bodies[0]);
        }
    }
    return found;
}

// Its session 1 publishes, session 2 follows and is live.
struct Followed : RouterFixture {
    explicit Followed(std::uint64_t events = 100, std::uint64_t bytes = limits::kMiB) {
        hello(1, 1);
        hello(2, 2);
        follow(2, kId, events, bytes);
        pump();
        REQUIRE(sent<msg::CaughtUp>(2).size() == 1);
    }
};

}  // namespace

TEST_CASE("router: an ephemeral event goes to who is live, and nothing is submitted", "[broker]") {
    RouterFixture f;
    f.hello(1, 1);
    f.hello(2, 2);
    f.follow(2, kId);
    SECTION("not before it is caught up") {
        f.volume().feed->steps.emplace_back(one_chunk(0, 1, false));
        f.pump([n = 0]() mutable { return ++n > 1; });
        REQUIRE(f.sent<msg::CaughtUp>(2).empty());
    }
    SECTION("once it is") {
        f.pump();
        REQUIRE(f.sent<msg::CaughtUp>(2).size() == 1);
    }
    const bool live = !f.sent<msg::CaughtUp>(2).empty();
    f.forget();
    f.publish(1, kId, "s", "hi");
    CHECK(f.sent<msg::Done>(1).empty());
    f.volume().feed->steps.clear();
    f.pump();
    CHECK(f.sent<msg::Done>(1).at(0).id == kId);
    CHECK(f.submitted().empty());
    CHECK(f.sent<msg::Ephemeral>(1).empty());
    REQUIRE(f.sent<msg::Ephemeral>(2).size() == (live ? 1 : 0));
    CHECK(f.router().counters().ephemeral_published == 1);
    CHECK(f.router().counters().ephemeral_delivered == (live ? 1 : 0));
    CHECK(f.router().counters().ephemeral_dropped == 0);
    if (live) {
        CHECK(f.sent<msg::Ephemeral>(2)[0].subscription == kId);
        const auto batch = wire::BatchView::open(as_bytes(*frames(f).at(0)));
        REQUIRE(batch);
        wire::EventCursor cursor(*batch);
        REQUIRE(cursor.next());
        CHECK(cursor.event().stream == "s");
        CHECK(cursor.event().data == "hi");
        CHECK_FALSE(cursor.next());
    }
}

TEST_CASE("router: ephemeral events are for those who agreed on them", "[broker]") {
    RouterFixture f;
    msg::Hello hello;
    hello.features = 0;
    hello.producer.bytes[0] = 1;
    f.say(1, hello);
    CHECK(f.sent<msg::Welcome>(1).at(0).features == 0);
    f.publish(1, kId);
    CHECK(f.refusal(1) == Errc::unsupported_version);
    f.forget();
    f.follow(1, kId + 1);
    CHECK(f.refusal(1) == Errc::unsupported_version);
    f.hello(2, 2);
    CHECK(f.sent<msg::Welcome>(2).at(0).features == msg::kFeatures);
    f.say(2, msg::Subscribe{kId, {}, Beginning{}, false, 10, 1000});  // did not ask
    f.pump();
    f.publish(2, kId + 1);
    f.pump();
    CHECK(f.sent<msg::Done>(2).size() == 1);
    CHECK(f.sent<msg::Ephemeral>(2).empty());
}

TEST_CASE("router: ephemeral events obey the rights to write and to read", "[broker]") {
    RouterFixture f({}, {{"w", {}, {"a*", "b*"}, {}}, {"r", {"a*"}, {}, {}}});
    f.hello(1, 1, "w");
    f.hello(2, 2, "r");
    f.follow(2, kId);
    f.pump();
    f.publish(1, kId, "c1");
    CHECK(f.refusal(1) == Errc::forbidden);
    f.publish(2, kId + 1, "a1");
    CHECK(f.refusal(2) == Errc::forbidden);
    f.publish(1, kId + 1, "b1");
    f.publish(1, kId + 2, "a1");
    f.pump();
    CHECK(f.sent<msg::Done>(1).size() == 2);
    CHECK(f.sent<msg::Ephemeral>(2).size() == 1);
}

TEST_CASE("router: all subscribers share one frame", "[broker]") {
    RouterFixture f;
    for (PeerId peer = 1; peer <= 3; ++peer) {
        f.hello(peer, static_cast<std::uint8_t>(peer));
        f.follow(peer, kId);
    }
    f.pump();
    f.publish(1, kId + 1);
    f.pump();
    const auto sent = frames(f);
    REQUIRE(sent.size() == 3);
    CHECK(sent[0] == sent[1]);
    CHECK(sent[0] == sent[2]);
    CHECK(sent[0]->capacity() < sent[0]->size() + 64);
}

TEST_CASE("router: beyond credit ephemeral events are dropped, and told once there is some",
          "[broker]") {
    Followed f(2);
    for (std::uint64_t i = 0; i < 5; ++i) {
        f.publish(1, kId + i);
        f.pump();
    }
    CHECK(f.sent<msg::Ephemeral>(2).size() == 2);
    f.tick(1s);
    CHECK(f.sent<msg::Dropped>(2).empty());
    SECTION("at once") {
        f.say(2, msg::Credit{kId, 4, limits::kMiB});
        REQUIRE(f.sent<msg::Dropped>(2).size() == 1);
        CHECK(f.sent<msg::Dropped>(2)[0].events == 3);
    }
    SECTION("or as soon as there is room as well") {
        f.set_room(0);
        f.say(2, msg::Credit{kId, 4, limits::kMiB});
        f.tick(1s);
        CHECK(f.sent<msg::Dropped>(2).empty());
        f.set_room(limits::kMiB);
        f.tick(1s);
        CHECK(dropped(f, 2) == 3);
    }
    SECTION("in front of the next") {
        f.set_room(0);
        f.say(2, msg::Credit{kId, 4, limits::kMiB});
        f.set_room(limits::kMiB);
        f.forget();
        f.publish(1, kId + 9);
        f.pump();
        REQUIRE(f.all_sent().size() == 3);
        CHECK(std::holds_alternative<msg::Dropped>(f.all_sent()[0].message));
        CHECK(std::holds_alternative<msg::Ephemeral>(f.all_sent()[1].message));
        return;
    }
    f.publish(1, kId + 9);
    f.pump();
    CHECK(f.sent<msg::Ephemeral>(2).size() == 3);
    CHECK(f.sent<msg::Dropped>(2).size() == 1);
    CHECK(f.router().counters().ephemeral_dropped == 3);
}

TEST_CASE("router: ephemeral events cost credit of bytes", "[broker]") {
    Followed f(100, 64 * limits::kKiB);
    const std::string data(40'000, 'd');
    for (std::uint64_t i = 0; i < 3; ++i) {
        f.publish(1, kId + i, "s", data);
    }
    f.pump();
    CHECK(f.sent<msg::Ephemeral>(2).size() == 2);
    f.say(2, msg::Credit{kId, 100, 128 * limits::kKiB});
    CHECK(dropped(f, 2) == 1);
}

TEST_CASE("router: a peer that takes nothing gets no ephemeral events, others do", "[broker]") {
    RouterFixture f;
    f.hello(1, 1);
    f.hello(2, 2);
    f.follow(1, kId);
    f.follow(2, kId);
    f.pump();
    f.set_room_of(2, 0);
    for (std::uint64_t i = 1; i <= 40; ++i) {
        f.publish(1, kId + i);
        f.pump();
    }
    f.tick(1s);
    CHECK(f.sent<msg::Ephemeral>(1).size() == 40);
    CHECK(f.sent<msg::Ephemeral>(2).empty());
    CHECK(f.sent<msg::Dropped>(2).empty());
    f.set_room_of(2, limits::kMiB);
    f.tick(1s);
    REQUIRE(f.sent<msg::Dropped>(2).size() == 1);
    CHECK(dropped(f, 2) == 40);
    f.tick(1s);
    CHECK(f.sent<msg::Dropped>(2).size() == 1);
}

TEST_CASE("router: room counts what the turn has sent already", "[broker]") {
    Followed f;
    f.set_room(100'000);
    for (std::uint64_t i = 0; i < 10; ++i) {
        f.publish(1, kId + i, "s", std::string(40'000, 'd'));
    }
    f.pump();
    CHECK(f.sent<msg::Ephemeral>(2).size() == 3);
    CHECK(f.router().counters().ephemeral_dropped == 7);
}

TEST_CASE("router: stored events that wait for credit come before ephemeral ones", "[broker]") {
    Followed f(4);
    store::Step waits;
    waits.wants_events = 6;
    f.volume().feed->steps.emplace_back(waits);
    f.router().news();
    f.pump();
    f.publish(1, kId);
    f.pump();
    CHECK(f.sent<msg::Ephemeral>(2).empty());
    f.volume().feed->steps.emplace_back(one_chunk(0, 6, true));
    f.say(2, msg::Credit{kId, 10, limits::kMiB});
    f.pump();
    CHECK(f.sent<msg::Deliver>(2).size() == 1);
    CHECK(dropped(f, 2) == 0);  // it fell behind before: that event was not for it
    f.publish(1, kId + 1);
    f.pump();
    CHECK(f.sent<msg::Ephemeral>(2).size() == 1);
}

TEST_CASE("router: half of the credit is for stored events that are to be sent", "[broker]") {
    constexpr std::uint64_t kBytes = 64 * limits::kKiB;
    Followed f(100, kBytes);
    f.volume().feed->steps.emplace_back(one_chunk(0, 6, true));
    f.router().news();
    SECTION("the other half is there for ephemeral ones") {
        f.publish(1, kId, "s", std::string(20'000, 'd'));
        f.pump();
        CHECK(f.sent<msg::Ephemeral>(2).size() == 1);
        CHECK(f.volume().feed->budgets.back().bytes > kBytes / 2);
        CHECK(f.volume().feed->budgets.back().bytes < kBytes);
    }
    SECTION("and no more") {
        f.publish(1, kId, "s", std::string(40'000, 'd'));
        f.pump();
        CHECK(f.sent<msg::Ephemeral>(2).empty());
        CHECK(f.router().counters().ephemeral_dropped == 1);
        CHECK(f.volume().feed->budgets.back().bytes == kBytes);
    }
    CHECK(f.sent<msg::Deliver>(2).size() == 1);
    // They are sent: all of it is free again.
    f.say(2, msg::Credit{kId, 200, 2 * kBytes});
    f.forget();
    f.publish(1, kId + 2, "s", std::string(60'000, 'd'));
    f.pump();
    CHECK(f.sent<msg::Ephemeral>(2).size() == 1);
}

TEST_CASE("router: what is no ephemeral event", "[broker]") {
    Followed f;
    NewEvent event;
    event.type = "t";
    SECTION("an id that is a sequence") {
        f.publish(1, 7);
        CHECK(f.sent<msg::Rejected>(1).empty());
        CHECK(f.router().counters().malformed == 1);
    }
    SECTION("no event") {
        f.say(1, msg::PublishEphemeral{kId});
        CHECK(f.refusal(1) == Errc::malformed);
    }
    SECTION("noise") {
        f.say(1, msg::PublishEphemeral{kId}, "what is this, then?");
        CHECK(f.refusal(1) == Errc::malformed);
    }
    SECTION("an expectation") {
        f.publish(1, kId, Append::one("s", event, Expected::no_stream()));
        CHECK(f.refusal(1) == Errc::invalid_argument);
    }
    SECTION("two events") {
        f.publish(1, kId, Append::many("s", {event, event}));
        CHECK(f.refusal(1) == Errc::invalid_argument);
    }
    SECTION("a check, a fence, a flag") {
        Append append = Append::one("s", event);
        append.checks = {{"other", Expected::any()}};
        f.publish(1, kId, append);
        CHECK(f.refusal(1) == Errc::invalid_argument);
        append.checks.clear();
        append.fence = Fence{"lock", 1};
        f.publish(1, kId + 1, append);
        append.fence.reset();
        append.ack = Ack::primary;
        f.publish(1, kId + 2, append);
        CHECK(f.sent<msg::Rejected>(1).size() == 3);
    }
    SECTION("while the node goes down") {
        f.router().begin_drain();
        f.publish(1, kId);
        CHECK(f.refusal(1) == Errc::shutting_down);
    }
    f.pump();
    CHECK(f.sent<msg::Ephemeral>(2).empty());
    CHECK(f.sent<msg::Done>(1).empty());
    CHECK(f.router().fanning_out() == 0);
}

TEST_CASE("router: publishers of ephemeral events are bounded", "[broker]") {
    SECTION("each in requests") {
        Followed f;
        for (std::uint64_t i = 0; i <= kPlainRequestsMax; ++i) {
            f.publish(1, kId + i);
        }
        CHECK(f.refusal(1) == Errc::busy);
        CHECK(f.router().fanning_out() == kPlainRequestsMax);
        f.forget();
        while (f.pump()) {
        }
        CHECK(f.sent<msg::Done>(1).size() == kPlainRequestsMax);
        f.publish(1, kId);
        CHECK_FALSE(f.refusal(1));
    }
    SECTION("all in bytes, and what was held is given back") {
        NodeLimits limits;
        limits.request_bytes_in_flight = 100'000;
        RouterFixture f(limits);
        f.hello(1, 1);
        for (int round = 0; round < 3; ++round) {
            f.forget();
            f.publish(1, kId, "s", std::string(60'000, 'd'));
            CHECK_FALSE(f.refusal(1));
            f.publish(1, kId + 1, "s", std::string(60'000, 'd'));
            CHECK(f.refusal(1) == Errc::busy);
            f.pump();
        }
    }
}

TEST_CASE("router: ephemeral events of this process and of clients meet", "[broker]") {
    Followed f;
    std::vector<std::string> heard;
    const auto sink = f.volume().hub.attach(
        [&heard](const store::EphemeralEvent& event) { heard.emplace_back(event.view.stream); });
    f.publish(1, kId, "from-a-client");
    CHECK(heard == std::vector<std::string>{"from-a-client"});
    EphemeralInbox inbox([] {});
    auto relay = f.volume().hub.attach_relay(
        [&inbox](const store::EphemeralEvent& event) { return inbox.put(event); });
    wire::IdSource ids;
    NewEvent event;
    event.type = "t";
    const auto request = wire::encode_request(Append::one("from-here", event), ids);
    REQUIRE(request);
    REQUIRE(f.volume().hub.publish(as_bytes(request->bytes)));
    CHECK(heard.back() == "from-here");
    for (const store::EphemeralEvent& each : inbox.take()) {
        f.router().relay(each);
    }
    f.pump();
    CHECK(f.sent<msg::Ephemeral>(2).size() == 2);
    SECTION("those that the node cannot hold are refused, and heard by nobody") {
        heard.clear();
        std::size_t taken = 0;
        while (f.volume().hub.publish(as_bytes(request->bytes))) {
            REQUIRE(++taken <= kRelayedEventsMax);
        }
        CHECK(taken == kRelayedEventsMax);
        CHECK(heard.size() == taken);
        relay.reset();
        CHECK(f.volume().hub.publish(as_bytes(request->bytes)));
    }
}

}  // namespace skald::broker
