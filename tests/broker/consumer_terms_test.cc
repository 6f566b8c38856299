// What events ask for their delivery, by the consumer's core.
#include <algorithm>

#include "skald/work_terms.h"
#include "tests/broker/consumer_fixture.h"
#include "wire/record.h"

namespace skald::broker {
namespace {

using Fixture = ConsumerFixture;

EventTerms due_in(const Fixture& f, Monotonic time) {
    EventTerms terms;
    terms.due = f.at(time);
    return terms;
}

EventTerms expires_in(const Fixture& f, Monotonic time) {
    EventTerms terms;
    terms.terms.expires = f.at(time);
    return terms;
}

EventTerms repeats(const Fixture& f, std::string schedule, Monotonic first) {
    EventTerms terms;
    terms.due = f.at(first);
    terms.terms.repeat = std::move(schedule);
    terms.terms.anchor = terms.due;
    return terms;
}

EventTerms high() {
    EventTerms terms;
    terms.terms.high = true;
    return terms;
}

}  // namespace

TEST_CASE("consumer terms: what is due later waits, over a restart too", "[broker]") {
    const bool crash = GENERATE(false, true);
    Fixture f;
    f.read_terms(due_in(f, 10s));
    f.read(1);
    f.write();
    if (crash) {
        f.restart();
        CHECK(f.next == 1);
        f.read(1);
    }
    const auto member = f.join();
    CHECK(offsets_of(f.fetch(member)) == Offsets{1});
    CHECK(f.consumer->status().waiting == 1);
    f.pass(5s);
    REQUIRE(f.fetch(member).events.empty());
    f.pass(4999ms);
    CHECK(f.fetch(member).events.empty());
    CHECK(f.consumer->next_tick(f.now) == f.now.monotonic + 1ms);
    f.pass(1ms);
    const GivenPage page = f.fetch(member);
    CHECK(offsets_of(page) == Offsets{0});
    CHECK(page.events.front().attempt == 1);
}

TEST_CASE("consumer terms: what is due later holds up its key, and no other", "[broker]") {
    Fixture f(ConsumerMode::per_key);
    f.read_terms(due_in(f, 5s));
    f.next = 1;
    f.read(4, 2);
    const auto member = f.join();
    CHECK(offsets_of(f.fetch(member)) == Offsets{1, 3});
    f.pass(5s);
    CHECK(offsets_of(f.fetch(member)) == Offsets{0, 2, 4});
}

TEST_CASE("consumer terms: what expires is done, unless a member has it", "[broker]") {
    Fixture f;
    f.read_terms(expires_in(f, 10s));
    f.read_terms(expires_in(f, 10s));
    f.read_terms(expires_in(f, 20s));
    const auto member = f.join(1);
    REQUIRE(offsets_of(f.fetch(member)) == Offsets{0});
    f.pass(5s);
    REQUIRE(f.fetch(member).events.empty());
    f.pass(5s);
    CHECK(f.consumer->status().expired == 1);
    CHECK(f.consumer->status().done == 1);
    CHECK(f.consumer->status().in_flight == 1);
    SECTION("it is answered") {
        f.answer(member, 0, AckWork{});
        CHECK(f.consumer->status().expired == 1);
    }
    SECTION("it comes back") {
        f.answer(member, 0, GENERATE(WorkAnswer(ReleaseWork{}), WorkAnswer(RetryWork{})));
        CHECK(f.consumer->status().expired == 2);
    }
    CHECK(f.consumer->status().done == 2);
    CHECK(offsets_of(f.fetch(member)) == Offsets{2});
    f.write();
    f.restart();
    CHECK(f.consumer->status().done == 2);
    CHECK(f.consumer->status().expired + 1 >= 2);
    CHECK(f.next == 2);
}

TEST_CASE("consumer terms: when something expires is known after a restart", "[broker]") {
    Fixture f;
    f.read_terms(expires_in(f, 1h));
    auto member = f.join();
    REQUIRE(f.fetch(member).events.size() == 1);
    f.answer(member, 0, RetryWork{10s, ""});
    f.write();
    f.restart();
    REQUIRE(f.consumer->status().waiting == 1);
    f.pass(1h);
    CHECK(f.consumer->status().expired == 1);
    CHECK(f.consumer->status().waiting == 0);
}

TEST_CASE("consumer terms: what is parked does not expire, and comes when it is replayed",
          "[broker]") {
    Fixture f;
    f.read_terms(expires_in(f, 10s));
    const auto member = f.join();
    REQUIRE(f.fetch(member).events.size() == 1);
    f.answer(member, 0, ParkWork{"no"});
    f.write();
    if (GENERATE(false, true)) {
        f.restart();
    }
    f.pass(20s);
    CHECK(f.consumer->status().parked == 1);
    CHECK(f.consumer->replay_parked(1, std::nullopt) == 1);
    const auto again = f.join();
    CHECK(offsets_of(f.fetch(again)) == Offsets{0});
    f.answer(again, 0, ReleaseWork{});
    CHECK(f.consumer->status().expired == 0);
}

TEST_CASE("consumer terms: of high priority comes first, after a failure and a restart too",
          "[broker]") {
    Fixture f;
    f.read(2);
    f.read_terms(high());
    f.read(1);
    f.read_terms(high());
    auto member = f.join(3);
    CHECK(offsets_of(f.fetch(member)) == Offsets{2, 4, 0});
    f.answer(member, 4, RetryWork{1s, ""});
    f.answer(member, 0, RetryWork{1s, ""});
    f.write();
    f.restart();
    f.pass(2s);
    member = f.join(1);
    CHECK(offsets_of(f.fetch(member)) == Offsets{4});
}

TEST_CASE("consumer terms: what repeats comes again once it is acknowledged", "[broker]") {
    Fixture f;
    f.read_terms(repeats(f, "every 10s", 5s));
    const auto round = [&f] {
        const auto member = f.join();
        const GivenPage page = f.fetch(member);
        CHECK(offsets_of(page) == Offsets{0});
        return member;
    };
    f.pass(5s);
    f.answer(round(), 0, AckWork{});
    CHECK(f.consumer->status().waiting == 1);
    CHECK(f.consumer->status().done == 0);
    f.write();
    f.restart();
    f.pass(9999ms);
    CHECK(f.fetch(f.join()).events.empty());
    f.pass(1ms);
    f.pass(27s);  // two are missed
    const auto member = round();
    f.answer(member, 0, RetryWork{1s, ""});
    f.pass(1s);
    f.answer(round(), 0, AckWork{});
    f.answer(member, 0, AckWork{});  // late: of the time before
    f.pass(1999ms);
    CHECK(f.fetch(f.join()).events.empty());
    f.pass(1ms);
    f.answer(round(), 0, SkipWork{});
    CHECK(f.consumer->status().done == 1);
    CHECK(f.consumer->status().waiting == 0);
}

TEST_CASE("consumer terms: what repeats ends with its time, also while a member has it",
          "[broker]") {
    Fixture f;
    EventTerms terms = repeats(f, "every 10s", 0s);
    terms.terms.expires = f.at(5s);
    f.read_terms(terms);
    const auto member = f.join();
    REQUIRE(offsets_of(f.fetch(member)) == Offsets{0});
    f.pass(5s);
    f.answer(member, 0, AckWork{});
    CHECK(f.consumer->status().expired == 1);
    CHECK(f.consumer->status().waiting == 0);
}

TEST_CASE("consumer terms: a schedule is read whenever there is one", "[broker]") {
    const auto fault_of = [](const WorkTerms& terms) {
        NewEvent event;
        event.type = "made";
        set_work_terms(event, terms);
        std::string record;
        wire::append_record(record, event, {});
        EventView view{};
        view.fields = wire::parse_record(as_bytes(record))->fields;
        return terms_of(view)->fault;
    };
    WorkTerms terms;
    terms.delay = 1h;
    CHECK(fault_of(terms).empty());
    terms.repeat = "every 1h";
    CHECK(fault_of(terms).empty());
    terms.repeat = "now and then";
    CHECK_FALSE(fault_of(terms).empty());
    terms.repeat = "0 0 1 1 " + std::string(300, '1');
    CHECK_FALSE(fault_of(terms).empty());
    terms.repeat = std::string(250, '\x01');
    CHECK(fault_of(terms).size() <= 200);
}

TEST_CASE("consumer: what is parked behind another takes no record, however much it is",
          "[broker]") {
    Fixture f(ConsumerMode::per_key);
    const auto member = f.join(1);
    f.read(limits::kConsumerWindowMax);
    REQUIRE(f.fetch(member).events.size() == 1);
    f.answer(member, 0, ParkWork{"no"});
    CHECK(f.consumer->status().parked == limits::kConsumerWindowMax);
    std::size_t most = 0;
    const auto write = [&] {
        while (auto record = f.consumer->next_record()) {
            most = std::max(most, wire::encode(*record).size());
            f.records.push_back(*record);
            f.consumer->recorded();
        }
    };
    write();
    f.restart();
    CHECK(f.next == 1);
    f.read(limits::kConsumerWindowMax - 1);
    CHECK(f.consumer->status().parked == limits::kConsumerWindowMax);
    CHECK(f.consumer->replay_parked(1, std::nullopt) == limits::kConsumerWindowMax);
    write();
    CHECK(most < limits::kControlDataBytesMax / 2);
    const auto other = f.join(3);
    CHECK(offsets_of(f.fetch(other)) == Offsets{0, 1, 2});
}

TEST_CASE("consumer: what a member had is known in its order after a restart", "[broker]") {
    Fixture f(ConsumerMode::per_key);
    f.read(4);
    const auto member = f.join(3);
    REQUIRE(f.fetch(member).events.size() == 3);
    f.answer(member, 1, ReleaseWork{});
    f.answer(member, 0, ParkWork{"no"});
    f.answer(member, 2, RetryWork{});
    f.write();
    f.restart();
    CHECK(f.consumer->status().parked == 3);
    CHECK(f.next == 3);
    CHECK(f.consumer->replay_parked(1, std::nullopt) == 3);
    CHECK(offsets_of(f.fetch(f.join(3))) == Offsets{0, 1, 2});
}

TEST_CASE("consumer terms: what cannot be given is parked, and says why", "[broker]") {
    Fixture f(GENERATE(ConsumerMode::per_key, ConsumerMode::exclusive));
    EventTerms broken;
    broken.fault = "its metadata $ttl cannot be read";
    f.read_terms(broken);
    f.read_terms(repeats(f, "every 10s", 0s));
    const auto parked = f.consumer->parked(std::nullopt, 10);
    REQUIRE(parked.size() == 2);
    CHECK(parked[0].reason == broken.fault);
    CHECK(parked[1].reason.find("repeats") != std::string::npos);
}

TEST_CASE("consumer: an extended event has its time anew", "[broker]") {
    Fixture f;
    f.read(2);
    const auto member = f.join();
    const auto other = f.join();
    REQUIRE(f.fetch(member).events.size() == 2);
    f.answer(member, 1, AckWork{});
    const auto live = [&] {
        REQUIRE(f.consumer->fetch(member, ++f.ticket, 1ms, f.now));
        REQUIRE(f.consumer->fetch(other, ++f.ticket, 1ms, f.now));
    };
    const auto extend = [&](std::uint64_t who, Monotonic by) {
        wire::AnsweredPlaces answer{Partition{}, Offset{0}, Offset{1}, AckWork{}};
        answer.extend = std::chrono::duration_cast<std::chrono::microseconds>(by);
        REQUIRE(*f.consumer->answer(who, std::span(&answer, 1), 0, f.now) == 1);
    };
    for (int i = 0; i < 5; ++i) {
        live();
        f.pass(5s);
    }
    extend(member, 0s);  // 30 s from now
    extend(other, 1h);   // holds it not
    live();
    f.pass(5s);
    CHECK(f.consumer->status().failures == 0);
    for (int i = 0; i < 4; ++i) {
        live();
        f.pass(5s);
    }
    extend(member, 60s);
    for (int i = 0; i < 11; ++i) {
        live();
        f.pass(5s);
    }
    CHECK(f.consumer->status().failures == 0);
    live();
    f.pass(5s);
    CHECK(f.consumer->status().failures == 1);
}

}  // namespace skald::broker
