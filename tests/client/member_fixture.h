// A member of a consumer for tests, with the node's side of it and its handler in hand.
#pragma once

#include <algorithm>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "client/consumer_member.h"
#include "tests/client/fake_services.h"

namespace skald::client {

using std::chrono::milliseconds;
using wire::AnsweredPlaces;
using wire::MemberVerb;
using List = std::vector<AnsweredPlaces>;
using Offsets = std::vector<std::uint64_t>;

inline AnsweredPlaces places(std::uint64_t first, std::uint64_t next,
                             WorkAnswer answer = AckWork{}) {
    return {Partition{0}, Offset{first}, Offset{next}, std::move(answer)};
}
inline AnsweredPlaces released(std::uint64_t offset) {
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

// A member of `orders`, number 1, and the node's side of it.
class MemberFixture {
  public:
    explicit MemberFixture(milliseconds lease = milliseconds(60000),
                           milliseconds timeout = milliseconds(30000),
                           ConsumerMode mode = ConsumerMode::shared) {
        services.reply(number_of_member(1, mode));
        MemberOptions options;
        options.name = "me";
        options.in_flight = 7;
        options.lease = lease;
        auto joined = ConsumerMember::join(services, "orders", handled.handler(), options, timeout);
        REQUIRE(joined);
        member = std::move(*joined);
    }
    ~MemberFixture() {
        auto end = ending();
        leave();
        end.get();
    }
    MemberFixture(const MemberFixture&) = delete;
    MemberFixture& operator=(const MemberFixture&) = delete;

    FakeServices::Asked fetch(std::uint64_t number = 1) { return take(MemberVerb::fetch, number); }
    void give(const std::vector<Sent>& events, std::uint64_t term = 0, std::uint64_t answered = 0) {
        fetch().answer(page_of(events, term, answered));
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

}  // namespace skald::client
