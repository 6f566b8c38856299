#include "store/ephemeral.h"

#include <catch2/catch.hpp>

#include "tests/wire/hex.h"

namespace skald::store {
namespace {

std::string request_of(const Append& append) {
    wire::IdSource ids;
    return wire::encode_request(append, ids).value().bytes;
}

NewEvent typing(const char* data = "") {
    NewEvent event;
    event.type = "typing";
    event.data = data;
    event.id = parse_uuid("00010203-0405-8607-8000-000000000001");
    return event;
}

EphemeralEvent made(const EphemeralHub& hub, const char* data = "") {
    const std::string request = request_of(Append::one("chat-1", typing(data)));
    return hub.make(wire::RequestView::open(as_bytes(request)).value()).value();
}

Subscribe credit(std::uint32_t events, std::uint32_t bytes = 1 << 20) {
    Subscribe request;
    request.events_in_flight = events;
    request.bytes_in_flight = bytes;
    return request;
}

}  // namespace

TEST_CASE("ephemeral: the bytes of the document's event", "[store][golden]") {
    const ManualClock clock(Time{1'767'225'600'000'000});
    const EphemeralHub hub(clock);
    const EphemeralEvent event = made(hub, R"({"n":1})");
    CHECK(wire::to_hex(*event.frame) ==
          wire::to_hex(wire::fenced(SKALD_PROTOCOL, "ephemeral event")));
    CHECK(event.view.ephemeral);
    CHECK(event.view.time() == clock.now());
}

TEST_CASE("ephemeral: more than one event of one stream is refused", "[store]") {
    const ManualClock clock;
    const EphemeralHub hub(clock);
    Append append = Append::one("s", typing());
    const auto error = [&] {
        const std::string request = request_of(append);
        const auto event = hub.make(wire::RequestView::open(as_bytes(request)).value());
        return event ? Errc{} : event.error().code;
    };
    CHECK(error() == Errc{});
    SECTION("two events") {
        append.streams[0].events.push_back(typing());
    }
    SECTION("two streams") {
        append.streams.push_back({"t", Expected::any(), {typing()}});
    }
    SECTION("an expectation") {
        append.streams[0].expected = Expected::exact(7u);
    }
    SECTION("a check") {
        append.checks = {{"t", Expected::any()}};
    }
    SECTION("a query") {
        append.query = QueryCheck{{{{{"a"}, {}}}}, Offset{}};
    }
    SECTION("a fence") {
        append.fence = Fence{"f", 1};
    }
    SECTION("ids to be looked up") {
        append.check_ids = true;
    }
    CHECK(error() == Errc::invalid_argument);
}

TEST_CASE("ephemeral: a queue holds as much as the credit, then it counts", "[store]") {
    const ManualClock clock;
    const EphemeralHub hub(clock);
    const EphemeralEvent event = made(hub);
    SECTION("in events") {
        EphemeralQueue queue(credit(2));
        queue.offer(event);
        CHECK(queue.empty());  // not live yet
        queue.set_live(true);
        for (int i = 0; i < 5; ++i) {
            queue.offer(event);
        }
        const EphemeralQueue::Taken taken = queue.take();
        CHECK(taken.events.size() == 2);
        CHECK(taken.dropped == 3);
        CHECK(queue.empty());
        queue.offer(event);
        CHECK(queue.take().events.size() == 1);
        queue.set_live(false);
        queue.offer(event);
        CHECK(queue.empty());
    }
    SECTION("in bytes, which the last may pass") {
        EphemeralQueue queue(credit(100, static_cast<std::uint32_t>(event.frame->size() * 2 - 1)));
        queue.set_live(true);
        for (int i = 0; i < 5; ++i) {
            queue.offer(event);
        }
        CHECK(queue.take().events.size() == 2);
        queue.offer(event);
        queue.offer(event);
        CHECK(queue.take().dropped == 0);
    }
}

}  // namespace skald::store
