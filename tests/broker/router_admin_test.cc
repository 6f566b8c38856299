// Who may have the log itself, and how much of it at a time.
#include <catch2/catch.hpp>

#include "broker/limits.h"
#include "tests/broker/router_fixture.h"

namespace skald::broker {
namespace {

constexpr std::uint64_t kId = msg::kFirstPlainId;
constexpr std::uint32_t kMuch = 64 * limits::kMiB;

msg::FetchLog fetch(std::uint64_t from, std::uint64_t end, std::uint32_t bytes = kMuch) {
    return {kId, Partition{}, Offset{from}, Offset{end}, bytes};
}

std::size_t batches_sent(RouterFixture& f) {
    std::size_t batches = 0;
    while (f.pump()) {
    }
    for (const Outgoing& outgoing : f.sent_messages()) {
        batches +=
            std::holds_alternative<msg::LogBatches>(outgoing.message) ? outgoing.bodies.size() : 0;
    }
    f.forget();
    return batches;
}

}  // namespace

TEST_CASE("router: the log takes the right to administer everything", "[broker]") {
    const auto asked = [](RouterFixture& f, const msg::FromClient& message) {
        f.forget();
        f.say(1, message);
        while (f.pump()) {
        }
        return f.refusal(1);
    };
    RouterFixture some({}, {{"*", {"*"}, {"*"}, {"a*", "b"}}});
    RouterFixture all({}, {{"*", {}, {}, {"*"}}});
    for (RouterFixture* f : {&some, &all}) {
        f->hello(1);
        const auto expected = f == &some ? std::optional(Errc::forbidden) : std::nullopt;
        CHECK(asked(*f, msg::GetLog{kId}) == expected);
        CHECK(asked(*f, fetch(0, 10)) == expected);
        CHECK(asked(*f, msg::FetchProducers{kId, {}, "", 100}) == expected);
        CHECK(asked(*f, msg::Scavenge{kId, Uuid{{1}}}) == expected);
    }
}

TEST_CASE("router: the log's state, its batches and its producers are answered", "[broker]") {
    RouterFixture f;
    f.hello(1);
    f.say(1, msg::GetLog{kId});
    f.pump();
    REQUIRE(f.sent<msg::LogAnswer>(1).size() == 1);
    CHECK(f.sent<msg::LogAnswer>(1)[0].id == kId);
    CHECK(f.sent<msg::LogAnswer>(1)[0].state.partitions.at(0).high_watermark == Offset{100});
    f.say(1, msg::FetchProducers{kId + 1, Partition{}, "", 100});
    f.pump();
    REQUIRE(f.sent<msg::LogProducers>(1).size() == 1);
    CHECK(f.sent<msg::LogProducers>(1)[0].next == "next");
    f.forget();

    f.say(1, fetch(90, ~std::uint64_t{0}));
    CHECK(batches_sent(f) == 10);  // no more lie below the high-watermark
    f.say(1, fetch(10, 13));
    CHECK(batches_sent(f) == 3);
    CHECK(f.volume().fake_log.asked.from == Offset{10});
    f.say(1, fetch(100, 200));
    CHECK(batches_sent(f) == 0);
    CHECK_FALSE(f.refusal(1));
    f.say(1, msg::GetLog{kId - 1});
    CHECK(f.router().counters().malformed == 1);
}

TEST_CASE("router: one answer with batches is bounded by a turn, by room and by what was asked",
          "[broker]") {
    RouterFixture f;
    f.hello(1);
    FakeLog& log = f.volume().fake_log;
    log.end = Offset{1'000'000};
    f.say(1, fetch(0, 1'000'000));
    CHECK(batches_sent(f) == kLogBytes / log.batch.size());
    f.say(1, fetch(0, 1'000'000, 5000));
    CHECK(batches_sent(f) == 5);
    f.set_room(7000);
    f.say(1, fetch(0, 1'000'000));
    CHECK(batches_sent(f) == 7);
}

TEST_CASE("router: a large batch goes whole, but not out of the others' reserve", "[broker]") {
    RouterFixture f;
    f.hello(1);
    f.volume().fake_log.batch.assign(8 * limits::kMiB, 'b');
    f.set_room(limits::kPeerSendFloor);
    f.say(1, fetch(0, 10));
    CHECK(batches_sent(f) == 0);
    f.set_room(kSendPartMin);
    CHECK(batches_sent(f) == 1);
}

TEST_CASE("router: a node that goes down begins no scavenge", "[broker]") {
    RouterFixture f;
    f.hello(1);
    f.say(1, msg::Scavenge{kId, Uuid{}});
    CHECK(f.refusal(1) == Errc::malformed);
    f.say(1, msg::Scavenge{kId, Uuid{{1}}});
    REQUIRE(f.sent<msg::ScavengeAnswer>(1).size() == 1);
    CHECK(f.sent<msg::ScavengeAnswer>(1)[0].id == kId);
    f.router().begin_drain();
    f.say(1, msg::Scavenge{kId + 1, Uuid{{2}}});
    CHECK(f.refusal(1) == Errc::shutting_down);
}

}  // namespace skald::broker
