#include "client/consumer_member.h"

#include <algorithm>
#include <future>
#include <map>
#include <set>
#include <stdexcept>
#include <thread>

#include "base/limits.h"
#include "tests/client/fake_services.h"

namespace skald::client {
namespace {

using std::chrono::milliseconds;
using wire::AnsweredPlaces;
using wire::MemberVerb;
using List = std::vector<AnsweredPlaces>;

AnsweredPlaces places(std::uint64_t first, std::uint64_t next, WorkAnswer answer = AckWork{}) {
    return {Partition{0}, Offset{first}, Offset{next}, std::move(answer)};
}
AnsweredPlaces released(std::uint64_t offset) {
    return places(offset, offset + 1, ReleaseWork{});
}

// A handler that can be held up, and what it was called with.
class Handled {
  public:
    // How it answers for an offset; else with an ack.
    std::map<std::uint64_t, WorkAnswer> answers;

    WorkAnswer operator()(const Work& work) {
        std::unique_lock lock(mutex_);
        const std::uint64_t offset = work.event.offset.value;
        begun_.push_back(offset);
        attempts_.push_back(work.attempt);
        term_ = work.term;
        changed_.notify_all();
        changed_.wait(lock, [&] { return !held_up_.contains(offset); });
        const auto answer = answers.find(offset);
        return answer == answers.end() ? WorkAnswer(AckWork{}) : answer->second;
    }
    WorkHandler handler() {
        return [this](const Work& work) { return (*this)(work); };
    }

    void hold_up(std::uint64_t offset) {
        const std::lock_guard lock(mutex_);
        held_up_.insert(offset);
    }
    void let_go(std::uint64_t offset) {
        const std::lock_guard lock(mutex_);
        held_up_.erase(offset);
        changed_.notify_all();
    }
    // Until the call for this one has begun: what came before it is answered.
    void await(std::uint64_t offset) {
        std::unique_lock lock(mutex_);
        REQUIRE(changed_.wait_for(lock, kLong, [&] {
            return std::find(begun_.begin(), begun_.end(), offset) != begun_.end();
        }));
    }
    std::vector<std::uint64_t> begun() {
        const std::lock_guard lock(mutex_);
        return begun_;
    }
    std::vector<std::uint32_t> attempts() {
        const std::lock_guard lock(mutex_);
        return attempts_;
    }
    std::uint64_t term() {
        const std::lock_guard lock(mutex_);
        return term_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<std::uint64_t> held_up_;  // guarded by mutex_, like the rest
    std::vector<std::uint64_t> begun_;
    std::vector<std::uint32_t> attempts_;
    std::uint64_t term_ = 0;
};

using Offsets = std::vector<std::uint64_t>;

// A member of `orders`, number 1, and the node's side of it.
class Fixture {
  public:
    explicit Fixture(milliseconds lease = milliseconds(60000),
                     milliseconds timeout = milliseconds(30000)) {
        services.reply(number_of_member(1));
        MemberOptions options;
        options.name = "me";
        options.in_flight = 7;
        options.lease = lease;
        auto joined = ConsumerMember::join(services, "orders", handled.handler(), options, timeout);
        REQUIRE(joined);
        member = std::move(*joined);
    }
    ~Fixture() {
        auto end = ending();
        leave();
        end.get();
    }
    Fixture(const Fixture&) = delete;
    Fixture& operator=(const Fixture&) = delete;

    FakeServices::Asked fetch(std::uint64_t number = 1) { return take(MemberVerb::fetch, number); }
    void give(const std::vector<Sent>& events, std::uint64_t term = 0) {
        fetch().answer(page_of(events, term));
    }
    FakeServices::Asked answers(std::uint64_t number = 1) {
        return take(MemberVerb::answer, number);
    }
    // Confirms answers until these many requests of them came; all they said.
    List confirm(std::size_t requests, std::uint64_t number = 1) {
        List all;
        for (std::size_t i = 0; i < requests; ++i) {
            const auto asked = answers(number);
            all.insert(all.end(), asked.request.answers.begin(), asked.request.answers.end());
            asked.answer(std::string());
        }
        return all;
    }
    // The same until as many places were answered.
    List confirm_places(std::uint64_t count, std::uint64_t number = 1) {
        List all;
        for (std::uint64_t come = 0; come < count;) {
            for (const AnsweredPlaces& answered : confirm(1, number)) {
                all.push_back(answered);
                come += answered.next - answered.first;
            }
        }
        return all;
    }
    void rejoin(Result<std::string> reply) { services.take(MemberVerb::join).answer(reply); }

    std::future<void> ending() {
        return std::async(std::launch::async, [this] { member.reset(); });
    }
    std::future<Result<void>> draining() {
        return std::async(std::launch::async, [this] { return member->drain(); });
    }
    // Confirms what comes until the member leaves, if it is to.
    void leave() {
        if (!leaves) {
            return;
        }
        while (services.untaken(MemberVerb::leave) == 0) {
            if (services.untaken(MemberVerb::answer) != 0) {
                confirm(1, last_number);
            }
            std::this_thread::yield();
        }
        services.take(MemberVerb::leave).answer(std::string());
    }
    Error await_end() {
        while (!member->ended()) {
            std::this_thread::yield();
        }
        leaves = false;
        return *member->ended();
    }

    FakeServices services;
    Handled handled;
    std::unique_ptr<Member> member;
    std::uint64_t last_number = 1;
    bool leaves = true;

  private:
    FakeServices::Asked take(MemberVerb verb, std::uint64_t number) {
        auto asked = services.take(verb);
        CHECK(asked.service == "consumer/orders");
        CHECK(asked.request.member == number);
        last_number = number;
        return asked;
    }
};

Error unreachable() {
    return {Errc::unreachable, "no connection"};
}

}  // namespace

TEST_CASE("consumer member: joins as it was asked to", "[client]") {
    Fixture f(milliseconds(3000), milliseconds(500));
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
    CHECK(refusal("orders", {"", 65537, milliseconds(100)}) == Errc::invalid_argument);
    CHECK(refusal("orders", {"", 1, milliseconds(99)}) == Errc::invalid_argument);
    CHECK(refusal("orders", {"", 1, std::chrono::minutes(11)}) == Errc::invalid_argument);
}

TEST_CASE("consumer member: events go to the handler in order", "[client]") {
    Fixture f;
    f.give({{5, "a"}, {7, "b", 3}}, 4);
    f.give({{6, "c", 2}}, 4);
    f.confirm_places(3);
    CHECK(f.handled.begun() == Offsets{5, 7, 6});
    CHECK(f.handled.attempts() == std::vector<std::uint32_t>{1, 3, 2});
    CHECK(f.handled.term() == 4);
}

TEST_CASE("consumer member: what is answered meanwhile gathers", "[client]") {
    Fixture f;
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
    Fixture f;
    const WorkAnswer retry = RetryWork{milliseconds(50), "later"};
    f.handled.answers[5] = retry;
    f.handled.hold_up(5);
    f.give({{5, "a"}, {6, "b"}, {7, "a"}, {8, "b"}});
    f.handled.await(5);
    const auto unaware = f.fetch();
    f.handled.let_go(5);
    List all = f.confirm_places(4);
    CHECK(all.front() == places(5, 6, retry));
    CHECK(std::find(all.begin(), all.end(), released(7)) != all.end());
    // Given before the node knew of the failure, as far as the member can tell.
    unaware.answer(page_of({{9, "a"}, {10, "b"}}));
    all = f.confirm_places(2);
    CHECK(all.front() == released(9));
    f.handled.answers.clear();
    f.give({{5, "a", 2}, {7, "a"}});
    f.confirm_places(2);
    CHECK(f.handled.begun() == Offsets{5, 6, 8, 10, 5, 7});
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
    Fixture f;
    f.handled.hold_up(5);
    f.give({{4, "a"}, {5, "a"}, {6, "a"}});
    f.handled.await(5);
    const auto under_way = f.answers();
    f.fetch().answer(unreachable());
    f.rejoin(unreachable());
    f.rejoin(number_of_member(2));
    const auto fetch = f.fetch(2);
    // 4 again, since nobody knows whether it came; 6 was not begun, and comes again.
    CHECK(f.confirm(1, 2) == List{places(4, 5)});
    under_way.answer(std::string());
    f.handled.let_go(5);
    CHECK(f.confirm(1, 2) == List{places(5, 6)});
    fetch.answer(page_of({{6, "a"}}));
    CHECK(f.confirm(1, 2) == List{places(6, 7)});
    CHECK(f.handled.begun() == Offsets{4, 5, 6});
}

TEST_CASE("consumer member: answers that were lost are given again", "[client]") {
    Fixture f;
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
    Fixture f;
    f.fetch().answer(Error(Errc::not_found, "no such member"));
    f.rejoin(number_of_member(5));
    (void)f.fetch(5);
    CHECK_FALSE(f.member->ended());
}

TEST_CASE("consumer member: ends when the consumer is gone", "[client]") {
    Fixture f;
    f.fetch().answer(Error(Errc::not_found, "no such member"));
    f.rejoin(Error(Errc::not_found, "no such consumer"));
    CHECK(f.await_end() == Error(Errc::not_found, "no such consumer"));
    CHECK(f.member->drain().error().code == Errc::not_found);
}

TEST_CASE("consumer member: ends when joining again would not help", "[client]") {
    for (const Errc code : {Errc::forbidden, Errc::invalid_argument}) {
        Fixture f;
        f.fetch().answer(Error(code, "no"));
        CHECK(f.await_end().code == code);
    }
    Fixture f;
    f.fetch().answer(std::string("noise"));
    CHECK(f.await_end().code == Errc::malformed);
}

TEST_CASE("consumer member: drained, all it has is handled and confirmed", "[client]") {
    Fixture f;
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
    Fixture f(limits::kLeaseMin);
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
    Fixture f(milliseconds(60000), milliseconds(1));
    f.handled.hold_up(4);
    f.give({{4, "a"}});
    f.handled.await(4);
    CHECK(f.member->drain().error().code == Errc::timed_out);
    f.handled.let_go(4);
}

TEST_CASE("consumer member: destroyed, it confirms what is answered and gives back the rest",
          "[client]") {
    Fixture f(limits::kLeaseMin);
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
    Fixture f;
    f.give({{4, "a"}});
    f.answers().answer(unreachable());
    (void)f.services.take(MemberVerb::join);
    f.leaves = false;
}

}  // namespace skald::client
