#include "client/consumer_member.h"

#include <stdexcept>

#include "base/limits.h"
#include "tests/client/member_fixture.h"

namespace skald::client {
namespace {

Error unreachable() {
    return {Errc::unreachable, "no connection"};
}

}  // namespace

TEST_CASE("consumer member: joins as it was asked to", "[client]") {
    MemberFixture f(milliseconds(3000), milliseconds(500));
    CHECK(f.services.last_service() == "consumer/orders");
    const wire::Frame frame(as_bytes(f.services.last_payload()));
    const auto request = wire::decode_member_request(frame.bytes()).value();
    CHECK(request.verb == MemberVerb::join);
    CHECK(request.name == "me");
    CHECK(request.in_flight == 7);
    CHECK(request.lease == milliseconds(3000));
    const auto fetch = f.fetch();
    CHECK(fetch.request.wait == milliseconds(1000));
    CHECK(fetch.time == milliseconds(1500));
    CHECK_FALSE(f.member->ended());
    fetch.answer(page_of({}));
    (void)f.fetch();
}

TEST_CASE("consumer member: what keeps it from joining", "[client]") {
    FakeServices services;
    Handled handled;
    const auto refusal = [&](std::string_view consumer, const MemberOptions& options) {
        const auto member =
            ConsumerMember::join(services, consumer, handled.handler(), options, milliseconds(100));
        return member ? Errc{} : member.error().code;
    };
    services.reply(Error(Errc::not_found, "no such consumer"));
    CHECK(refusal("orders", {}) == Errc::not_found);
    services.reply(std::string("noise"));
    CHECK(refusal("orders", {}) == Errc::malformed);
    services.reply(number_of_member(1));
    CHECK(refusal("a#b", {}) == Errc::invalid_argument);
    CHECK(refusal("orders", {std::string(256, 'n'), 1, milliseconds(100)}) ==
          Errc::invalid_argument);
    CHECK(refusal("orders", {"", 0, milliseconds(100)}) == Errc::invalid_argument);
    CHECK(refusal("orders", {"", limits::kConsumerInFlightMax + 1, milliseconds(100)}) ==
          Errc::invalid_argument);
    CHECK(refusal("orders", {"", 1, milliseconds(99)}) == Errc::invalid_argument);
    CHECK(refusal("orders", {"", 1, std::chrono::minutes(11)}) == Errc::invalid_argument);
}

TEST_CASE("consumer member: a join whose answer is lost is tried again, so often", "[client]") {
    FakeServices services;
    services.reply(number_of_member(1));
    const auto join = [&] {
        return ConsumerMember::join(
            services, "orders", [](const Work&) { return AckWork{}; }, {}, kLong);
    };
    services.lose(3);
    CHECK(join().error().code == Errc::outcome_unknown);
    CHECK(services.replied() == 3);
    services.lose(2);
    {
        auto joined = join();
        REQUIRE(joined);
        CHECK(services.replied() == 6);
        std::thread leaving([&] { services.take(wire::MemberVerb::leave).answer(std::string()); });
        joined->reset();
        leaving.join();
    }
}

TEST_CASE("consumer member: events go to the handler in order", "[client]") {
    MemberFixture f;
    f.give({{5, "a"}, {7, "b", 3}}, 4);
    f.give({{6, "c", 2}}, 4);
    f.confirm_places(3);
    CHECK(f.handled.begun() == Offsets{5, 7, 6});
    CHECK(f.handled.attempts() == std::vector<std::uint32_t>{1, 3, 2});
    CHECK(f.handled.term() == 4);
}

TEST_CASE("consumer member: what is answered meanwhile gathers", "[client]") {
    MemberFixture f;
    f.handled.hold_up(9);
    f.give({{5, "a"}, {6, "a"}, {7, "a"}, {9, "a"}});
    const auto first = f.answers();
    f.handled.await(9);
    CHECK(f.services.untaken(MemberVerb::answer) == 0);
    first.answer(std::string());
    List all = first.request.answers;
    if (all.back().next < Offset{8}) {
        CHECK(f.confirm(1) == List{places(all.back().next.value, 8)});
    }
    f.handled.let_go(9);
    CHECK(f.confirm(1) == List{places(9, 10)});
}

TEST_CASE("consumer member: what comes behind a failure is given back", "[client]") {
    MemberFixture f(milliseconds(60000), milliseconds(30000), ConsumerMode::per_key);
    const WorkAnswer retry = RetryWork{milliseconds(50), "later"};
    f.handled.answers[5] = retry;
    f.give({{5, "a"}, {6, "b"}, {7, "a"}, {8, "b"}});
    CHECK(f.confirm_places(4) ==
          List{places(5, 6, retry), places(6, 7), released(7), places(8, 9)});
    // Given before the node knew that 7 came back: 9 comes behind that too.
    f.give({{9, "a"}, {10, "b"}}, 0, 2);
    CHECK(f.confirm_places(2) == List{released(9), places(10, 11)});
    f.give({{11, "a"}}, 0, 4);
    CHECK(f.confirm_places(1) == List{released(11)});
    f.handled.answers.clear();
    f.give({{5, "a", 2}, {7, "a"}}, 0, 7);
    f.confirm_places(2);
    CHECK(f.handled.begun() == Offsets{5, 6, 8, 10, 5, 7});
}

TEST_CASE("consumer member: answers are counted, for the node to say what it knew", "[client]") {
    MemberFixture f;
    f.give({{5, "a"}});
    const auto first = f.answers();
    CHECK(first.request.answered == 1);
    first.answer(std::string());
    f.give({{6, "a"}});
    const auto second = f.answers();
    CHECK(second.request.answered == 2);
    second.answer(std::string());
}

TEST_CASE("consumer member: a handler that throws failed", "[client]") {
    FakeServices services;
    services.reply(number_of_member(1));
    auto member = ConsumerMember::join(
        services, "orders",
        [](const Work& work) -> WorkAnswer {
            if (work.event.offset == Offset{5}) {
                throw std::runtime_error("no such customer");
            }
            throw 7;
        },
        {}, milliseconds(30000));
    REQUIRE(member);
    services.take(MemberVerb::fetch).answer(page_of({{5, "a"}, {9, "b"}}));
    List all;
    while (all.size() < 2) {
        const auto asked = services.take(MemberVerb::answer);
        all.insert(all.end(), asked.request.answers.begin(), asked.request.answers.end());
        asked.answer(std::string());
    }
    CHECK(all[0] == places(5, 6, RetryWork{std::nullopt, "no such customer"}));
    CHECK(std::get<RetryWork>(all[1].answer).reason == "the handler threw no std::exception");
    auto end = std::async(std::launch::async, [&] { member->reset(); });
    services.take(MemberVerb::leave).answer(std::string());
}

TEST_CASE("consumer member: after a lost connection it joins again", "[client]") {
    MemberFixture f;
    f.handled.hold_up(5);
    f.give({{4, "a"}, {5, "a"}, {6, "a"}});
    f.handled.await(5);
    const auto under_way = f.answers();
    f.fetch().answer(unreachable());
    f.rejoin(unreachable());
    f.rejoin(number_of_member(2));
    // 4 again, since nobody knows whether it came; 6 was not begun, and comes again. What the
    // member does not hold any more is no part of a range.
    const auto again = f.answers(2);
    CHECK(again.request.answers == List{places(4, 5)});
    under_way.answer(std::string());
    f.handled.hold_up(9);
    f.fetch(2).answer(page_of({{6, "a"}, {9, "a"}}));
    (void)f.fetch(2);
    f.handled.let_go(5);
    f.handled.await(9);
    again.answer(std::string());
    CHECK(f.confirm(1, 2) == List{places(5, 6), places(6, 7)});
    f.handled.let_go(9);
    CHECK(f.confirm(1, 2) == List{places(9, 10)});
    CHECK(f.handled.begun() == Offsets{4, 5, 6, 9});
}

TEST_CASE("consumer member: answers that were lost are given again", "[client]") {
    MemberFixture f;
    f.handled.hold_up(9);
    f.give({{4, "a"}, {5, "a"}, {6, "a"}, {9, "a"}});
    const auto lost = f.answers();
    f.handled.await(9);
    lost.answer(Error(Errc::outcome_unknown, "lost"));
    f.rejoin(number_of_member(2));
    CHECK(f.confirm_places(3, 2) == List{places(4, 5), places(5, 6), places(6, 7)});
    f.handled.let_go(9);
    CHECK(f.confirm(1, 2) == List{places(9, 10)});
}

TEST_CASE("consumer member: a node that forgot it is joined again", "[client]") {
    MemberFixture f;
    f.fetch().answer(Error(Errc::not_found, "no such member"));
    f.rejoin(number_of_member(5));
    (void)f.fetch(5);
    CHECK_FALSE(f.member->ended());
}

TEST_CASE("consumer member: ends when the consumer is gone", "[client]") {
    MemberFixture f;
    f.fetch().answer(Error(Errc::not_found, "no such member"));
    f.rejoin(Error(Errc::not_found, "no such consumer"));
    CHECK(f.await_end() == Error(Errc::not_found, "no such consumer"));
    CHECK(f.member->drain().error().code == Errc::not_found);
}

TEST_CASE("consumer member: where nobody serves it, it asks whether the consumer is gone",
          "[client]") {
    MemberFixture f;
    const Error unserved(Errc::not_ready, "nobody serves it");
    f.services.reply(unserved);
    f.fetch().answer(unserved);
    f.rejoin(unserved);
    f.rejoin(unserved);
    f.services.await_replies(3);  // to its first join, and to a question after each of these
    CHECK_FALSE(f.member->ended());
    f.services.reply(Error(Errc::not_found, "no such consumer"));
    f.rejoin(unserved);
    CHECK(f.await_end() == Error(Errc::not_found, "no such consumer"));
    const wire::Frame frame(as_bytes(f.services.last_payload()));
    const auto asked = wire::decode_consumer_request(frame.bytes()).value();
    CHECK(asked.verb == wire::ConsumerVerb::show);
    CHECK(asked.name == "orders");
}

TEST_CASE("consumer member: ends when joining again would not help", "[client]") {
    for (const Errc code : {Errc::forbidden, Errc::invalid_argument}) {
        MemberFixture f;
        f.fetch().answer(Error(code, "no"));
        CHECK(f.await_end().code == code);
    }
    MemberFixture f;
    f.fetch().answer(std::string("noise"));
    CHECK(f.await_end().code == Errc::malformed);
}

TEST_CASE("consumer member: drained, all it has is handled and confirmed", "[client]") {
    MemberFixture f;
    f.handled.hold_up(4);
    f.give({{4, "a"}, {5, "a"}});
    f.handled.await(4);
    const auto fetch = f.fetch();
    auto drained = f.draining();
    // Begun before: what comes of it is given back, once drain() has said so.
    f.handled.let_go(4);
    f.confirm_places(2);
    f.services.take(MemberVerb::leave).answer(std::string());
    CHECK(drained.get());
    CHECK(f.handled.begun() == Offsets{4, 5});
    CHECK(f.services.untaken(MemberVerb::fetch) == 0);
    CHECK_FALSE(f.member->ended());
    fetch.answer(page_of({{6, "a"}}));
    CHECK(f.member->drain());
    f.leaves = false;
}

TEST_CASE("consumer member: while it drains it says a word, and takes nothing", "[client]") {
    MemberFixture f(limits::kLeaseMin);
    f.handled.hold_up(4);
    f.give({{4, "a"}});
    f.handled.await(4);
    const auto fetch = f.fetch();
    auto drained = f.draining();
    const auto word = f.answers();
    CHECK(word.request.answers.empty());
    fetch.answer(page_of({{6, "a"}}));
    word.answer(std::string());
    List all;
    while (all.empty()) {
        all = f.confirm(1);
    }
    CHECK(all == List{released(6)});
    f.handled.let_go(4);
    f.leave();
    CHECK(drained.get());
    f.leaves = false;
    CHECK(f.handled.begun() == Offsets{4});
}

TEST_CASE("consumer member: a drain has an end", "[client]") {
    MemberFixture f(milliseconds(60000), milliseconds(1));
    f.handled.hold_up(4);
    f.give({{4, "a"}});
    f.handled.await(4);
    CHECK(f.member->drain().error().code == Errc::timed_out);
    f.handled.let_go(4);
}

TEST_CASE("consumer member: destroyed, it confirms what is answered and gives back the rest",
          "[client]") {
    MemberFixture f(limits::kLeaseMin);
    f.handled.hold_up(4);
    f.give({{4, "a"}, {5, "a"}});
    f.handled.await(4);
    const auto fetch = f.fetch();
    auto end = f.ending();
    f.confirm(1);  // its word: it is ending
    f.handled.let_go(4);
    CHECK(f.confirm_places(1) == List{places(4, 5)});
    const auto left = f.services.take(MemberVerb::leave);
    CHECK(left.request.member == 1);
    left.answer(std::string());
    end.get();
    CHECK(f.handled.begun() == Offsets{4});
    fetch.answer(page_of({{5, "a"}}));  // too late for anybody
    f.leaves = false;
}

TEST_CASE("consumer member: destroyed without a connection it does not wait for one", "[client]") {
    MemberFixture f;
    f.give({{4, "a"}});
    f.answers().answer(unreachable());
    (void)f.services.take(MemberVerb::join);
    f.leaves = false;
}

}  // namespace skald::client
