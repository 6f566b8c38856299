#include "tests/broker/consumer_fixture.h"

namespace skald::broker {
namespace {

using Fixture = ConsumerFixture;

}  // namespace

TEST_CASE("consumer: a nack and a timeout wait alike", "[broker]") {
    const bool timeout = GENERATE(false, true);
    Fixture f;
    f.read(1);
    const auto member = f.join();
    for (const Monotonic wait : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        REQUIRE(offsets_of(f.fetch(member)) == Offsets{0});
        if (timeout) {
            for (Monotonic left = f.settings.ack_timeout; left > 0s; left -= 5s) {
                REQUIRE(f.consumer->fetch(member, ++f.ticket, 1ms, f.now));  // it lives
                f.pass(5s);
            }
        } else {
            f.answer(member, 0, RetryWork{});
        }
        f.pass(wait - 1ms);
        CHECK(f.fetch(member).events.empty());
        f.pass(1ms);
    }
}

TEST_CASE("consumer: a delay that is asked for is kept", "[broker]") {
    Fixture f;
    f.read(1);
    const auto member = f.join();
    REQUIRE(f.fetch(member).events.size() == 1);
    f.answer(member, 0, RetryWork{5s, ""});
    f.pass(4999ms);
    CHECK(f.fetch(member).events.empty());
    f.pass(1ms);
    const GivenPage page = f.fetch(member);
    REQUIRE(page.events.size() == 1);
    CHECK(page.events.front().attempt == 2);
}

TEST_CASE("consumer: what is released comes at once and is not counted", "[broker]") {
    Fixture f;
    f.read(2);
    const auto member = f.join();
    REQUIRE(f.fetch(member).events.size() == 2);
    f.answer(member, 0, ReleaseWork{});
    const GivenPage page = f.fetch(member);
    REQUIRE(offsets_of(page) == Offsets{0});
    CHECK(page.events.front().attempt == 1);
    CHECK(f.consumer->status().failures == 0);
}

TEST_CASE("consumer: the work of who dies or leaves goes to others at once", "[broker]") {
    Fixture f;
    f.read(4);
    const auto a = f.join();
    const auto b = f.join();
    REQUIRE(offsets_of(f.fetch(a)) == Offsets{0, 1, 2, 3});
    SECTION("it leaves") {
        REQUIRE(f.consumer->leave(a, f.now));
        CHECK(offsets_of(f.fetch(b)) == Offsets{0, 1, 2, 3});
        CHECK(f.consumer->status().failures == 0);
    }
    SECTION("it dies: the first may be why") {
        f.pass(9s);
        REQUIRE(f.fetch(b).events.empty());
        f.pass(1s);
        CHECK(offsets_of(f.fetch(b)) == Offsets{1, 2, 3});
        CHECK(f.consumer->status().failures == 1);
        f.pass(100ms);
        CHECK(offsets_of(f.fetch(b)) == Offsets{0});
        CHECK(f.consumer->fetch(a, 1, 1s, f.now).error().code == Errc::not_found);
    }
}

TEST_CASE("consumer: who waits for events lives", "[broker]") {
    Fixture f;
    const auto member = f.join();
    REQUIRE(f.consumer->fetch(member, 1, 30s, f.now));  // longer than its lease
    f.pass(29s);
    f.pass(1s);
    CHECK(f.consumer->fetch(member, 2, 0s, f.now));
    f.pass(10s);
    CHECK_FALSE(f.consumer->fetch(member, 3, 0s, f.now));
}

TEST_CASE("consumer: a late answer counts once, and only when the work was done", "[broker]") {
    Fixture f;
    f.read(2);
    const auto a = f.join();
    const auto b = f.join();
    REQUIRE(f.fetch(a).events.size() == 2);
    f.answer(a, 0, ReleaseWork{});
    f.answer(a, 1, ReleaseWork{});
    REQUIRE(f.fetch(b).events.size() == 2);
    f.answer(a, 0, AckWork{});
    f.answer(a, 1, RetryWork{});
    f.answer(b, 0, AckWork{});
    CHECK(f.consumer->status().done == 1);
    CHECK(f.consumer->status().failures == 0);
    CHECK(f.consumer->status().in_flight == 1);
}

TEST_CASE("consumer: an answer is confirmed once it is in the log", "[broker]") {
    Fixture f;
    f.read(2);
    const auto member = f.join();
    REQUIRE(f.fetch(member).events.size() == 2);
    f.answer(member, 0, AckWork{});
    f.consumer->confirm(7);
    auto record = f.consumer->next_record();
    REQUIRE(record);
    f.answer(member, 1, AckWork{});
    f.consumer->confirm(8);
    CHECK_FALSE(f.consumer->next_record());
    CHECK(f.consumer->effects().confirmed.empty());
    f.consumer->recorded();
    CHECK(f.consumer->effects().confirmed == std::vector<std::uint64_t>{7});
    REQUIRE(f.consumer->next_record());
    f.consumer->recorded();
    CHECK(f.consumer->effects().confirmed == std::vector<std::uint64_t>{7, 8});
    f.consumer->confirm(9);  // of what changed nothing
    CHECK_FALSE(f.consumer->next_record());
    CHECK(f.consumer->effects().confirmed == std::vector<std::uint64_t>{7, 8, 9});
}

TEST_CASE("consumer: a term is in the log before its member gets anything", "[broker]") {
    Fixture f(ConsumerMode::exclusive);
    f.read(2);
    const auto a = f.join();
    const auto b = f.join();
    REQUIRE(f.consumer->fetch(a, 1, 10s, f.now));
    REQUIRE(f.consumer->fetch(b, 2, 10s, f.now));
    CHECK(f.consumer->effects().pages.empty());
    auto record = f.consumer->next_record();
    REQUIRE(record);
    CHECK(record->term == 1);
    f.consumer->tick(f.now);
    CHECK(f.consumer->effects().pages.empty());
    f.consumer->recorded();
    f.consumer->tick(f.now);
    REQUIRE(f.consumer->effects().pages.size() == 1);
    CHECK(f.consumer->effects().pages.front().ticket == 1);
    CHECK(f.consumer->effects().pages.front().term == 1);
}

TEST_CASE("consumer: one key has one member at a time, others do not wait for it", "[broker]") {
    Fixture f(ConsumerMode::per_key);
    f.read(8, 2);
    const auto a = f.join(3);
    const auto b = f.join(100);
    REQUIRE(offsets_of(f.fetch(a)) == Offsets{0, 2, 4});
    REQUIRE(offsets_of(f.fetch(b)) == Offsets{1, 3, 5, 7});
    f.answer(a, 0, RetryWork{});
    f.answer(a, 2, AckWork{});
    f.pass(100ms);
    CHECK(f.fetch(b).events.empty());  // 4 is still with a
    CHECK(f.fetch(a).events.empty());  // which would do 4 first
    f.answer(a, 4, ReleaseWork{});
    CHECK(offsets_of(f.fetch(b)) == Offsets{0, 4, 6});
}

TEST_CASE("consumer: little work is done by all who ask", "[broker]") {
    Fixture f;
    const auto a = f.join();
    const auto b = f.join();
    REQUIRE(f.consumer->fetch(a, 1, 10s, f.now));
    REQUIRE(f.consumer->fetch(b, 2, 10s, f.now));
    f.read(4);
    f.consumer->tick(f.now);
    REQUIRE(f.consumer->effects().pages.size() == 2);
    CHECK(f.consumer->effects().pages[0].events.size() == 2);
    CHECK(f.consumer->effects().pages[1].events.size() == 2);
}

TEST_CASE("consumer: all members together hold no more than they may", "[broker]") {
    Fixture f;
    f.settings.in_flight = 3;
    f.consumer->edit(f.settings);
    f.read(10);
    const auto a = f.join();
    CHECK(f.fetch(a).events.size() == 3);
    const auto b = f.join();
    CHECK(f.fetch(b).events.empty());
    CHECK_FALSE(f.consumer->hungry());
    f.answer(a, 0, AckWork{});
    CHECK(f.fetch(b).events.size() == 1);
}

TEST_CASE("consumer: paused, it gives nothing and takes answers", "[broker]") {
    Fixture f;
    f.read(2);
    const auto member = f.join(1);
    REQUIRE(f.fetch(member).events.size() == 1);
    f.consumer->pause(true);
    f.answer(member, 0, AckWork{});
    CHECK(f.fetch(member).events.empty());
    CHECK(f.consumer->status().done == 1);
    f.consumer->pause(false);
    CHECK(offsets_of(f.fetch(member)) == Offsets{1});
}

TEST_CASE("consumer: what failed, and what is parked, is known after a restart", "[broker]") {
    Fixture f;
    f.settings.max_deliveries = 2;
    f.consumer->edit(f.settings);
    f.read(6);
    auto member = f.join();
    REQUIRE(f.fetch(member).events.size() == 6);
    f.answer(member, 1, RetryWork{10s, ""});
    f.answer(member, 2, ParkWork{"never"});
    f.answer(member, 3, AckWork{});
    f.answer(member, 4, SkipWork{});
    f.write();
    f.restart();
    CHECK(f.next == 0);
    f.read(6);
    CHECK(f.consumer->status().done == 2);
    CHECK(f.consumer->status().skipped == 1);
    CHECK(f.consumer->status().failures == 1);
    const auto parked = f.consumer->parked(std::nullopt, 10);
    REQUIRE(parked.size() == 1);
    CHECK(parked.front().place.offset == Offset{2});
    CHECK(parked.front().reason == "never");
    member = f.join();
    CHECK(offsets_of(f.fetch(member)) == Offsets{0, 5});
    f.pass(9s);
    REQUIRE(f.consumer->fetch(member, ++f.ticket, 1s, f.now));
    f.pass(1s);
    const GivenPage page = f.fetch(member);
    REQUIRE(offsets_of(page) == Offsets{1});
    CHECK(page.events.front().attempt == 2);
    f.answer(member, 1, RetryWork{});
    CHECK(f.consumer->status().parked == 2);
    CHECK(f.consumer->purge(1) == 1);
    CHECK(f.consumer->replay_parked(10, std::nullopt) == 1);
    CHECK(f.consumer->status().parked == 0);
}

TEST_CASE("consumer: whole records say what all before them said", "[broker]") {
    Fixture f;
    const auto member = f.join(limits::kConsumerInFlightMax);
    f.settings.in_flight = limits::kConsumerInFlightMax;
    f.consumer->edit(f.settings);
    constexpr std::uint64_t kEvents = 3 * limits::kConsumerPartItemsMax;
    f.read(kEvents);
    for (std::uint64_t got = 0; got < kEvents;) {
        got += f.fetch(member).events.size();
    }
    for (std::uint64_t i = 0; i < kEvents; i += 2) {
        f.answer(member, i, i % 4 == 0 ? WorkAnswer(AckWork{}) : WorkAnswer(RetryWork{1h, ""}));
        f.write();
    }
    auto whole = f.records.end();
    while (whole->parts == 0 || whole->part != 0) {
        REQUIRE(whole != f.records.begin());
        --whole;
    }
    CHECK(whole->parts > 1);
    for (auto part = whole; part != f.records.end() && part->parts != 0; ++part) {
        CHECK(part->part == part - whole);
    }
    f.records.erase(f.records.begin(), whole);
    const ConsumerStatus before = f.consumer->status();
    f.restart();
    f.read(kEvents - f.next);
    const ConsumerStatus after = f.consumer->status();
    CHECK(after.done == before.done);
    CHECK(after.waiting == kEvents - before.done);
    CHECK(f.records.size() <= kEvents / limits::kConsumerRecordItems + whole->parts);
}

TEST_CASE("consumer: of a record there is no more than it can hold", "[broker]") {
    Fixture f;
    f.settings.in_flight = limits::kConsumerInFlightMax;
    f.consumer->edit(f.settings);
    const auto member = f.join(limits::kConsumerInFlightMax);
    f.read(limits::kConsumerInFlightMax);
    while (!f.fetch(member).events.empty()) {
    }
    std::vector<wire::AnsweredPlaces> answers;
    for (std::uint64_t i = 0; i < limits::kConsumerInFlightMax; ++i) {
        answers.push_back({Partition{}, Offset{i}, Offset{i + 1}, RetryWork{1h, ""}});
    }
    std::size_t taken = 0;
    std::size_t most = 0;
    while (taken < answers.size()) {
        taken += *f.consumer->answer(member, std::span(answers).subspan(taken), 0, f.now);
        while (auto record = f.consumer->next_record()) {
            most = std::max(most, wire::encode(*record).size());
            f.consumer->recorded();
        }
    }
    CHECK(f.consumer->status().failures == limits::kConsumerInFlightMax);
    CHECK(most < limits::kControlDataBytesMax / 2);
}

}  // namespace skald::broker
