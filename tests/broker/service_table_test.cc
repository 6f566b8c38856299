#include "broker/service_table.h"

#include <catch2/catch.hpp>
#include <map>

#include "broker/limits.h"

namespace skald::broker {
namespace {

namespace msg = wire::msg;
using namespace std::chrono_literals;

Frame text(const std::string& bytes) {
    return std::make_shared<const std::string>(bytes);
}

// A table, and what came out of it.
class Fixture {
  public:
    Result<void> serve(std::uint32_t peer, const std::string& service = "sum",
                       Balance balance = Balance::round_robin, std::uint32_t weight = 1,
                       std::uint32_t capacity = 100, std::uint64_t id = 1) {
        return run([&](auto& out) {
            return table.serve(client(peer), {id, service, balance, weight, capacity}, now, out);
        });
    }
    Result<void> unserve(std::uint32_t peer, std::uint64_t id = 1) {
        return run([&](auto& out) { return table.unserve(client(peer), id, now, out); });
    }
    Result<void> ask(std::uint32_t peer, std::uint64_t id, const std::string& service = "sum",
                     std::uint32_t deadline_ms = 1000) {
        return run([&](auto& out) {
            return table.request(client(peer), {id, service, deadline_ms},
                                 text("q" + std::to_string(id)), now, out);
        });
    }
    Result<void> respond(std::uint32_t peer, std::uint64_t number, Result<Frame> reply) {
        return run([&](auto& out) {
            return table.respond(client(peer), number, std::move(reply), now, out);
        });
    }
    void forget(std::uint32_t peer) {
        (void)run([&](auto& out) {
            table.forget(client(peer), now, out);
            return Result<void>();
        });
    }
    void pass(Monotonic time) {
        now += time;
        (void)run([&](auto& out) {
            table.tick(now, out);
            return Result<void>();
        });
    }
    // To whom the requests went, as "abca".
    std::string went() {
        std::string peers;
        for (const auto& call : std::exchange(calls, {})) {
            peers += static_cast<char>('a' + call.client.peer - 1);
        }
        return peers;
    }
    // What one was answered: a reply, or an error's name.
    std::string answered(std::uint64_t id) {
        const auto at = answers.find(id);
        return at == answers.end() ? "" : at->second;
    }
    static ServiceClient client(std::uint32_t peer) { return {peer, peer + 1000}; }

    void go_on() {
        (void)run([&](auto& out) {
            table.go_on(now, out);
            return Result<void>();
        });
    }

    std::map<PeerId, bool> deaf;
    std::size_t room = 1 << 20;
    ServiceTable table{
        [this](const ServiceClient& client) { return deaf[client.peer] ? 0 : room; }};
    Monotonic now{};
    std::vector<ServiceTable::Call> calls;
    std::map<std::uint64_t, std::string> answers;

  private:
    template <typename Step>
    Result<void> run(Step step) {
        ServiceTable::Out out;
        auto done = step(out);
        calls.insert(calls.end(), out.calls.begin(), out.calls.end());
        for (const auto& answer : out.answers) {
            const std::string reply =
                answer.reply ? **answer.reply : std::string(name_of(answer.reply.error().code));
            REQUIRE(answers.emplace(answer.id, reply).second);  // one answer each
        }
        return done;
    }
};

constexpr std::uint32_t kAsker = 20;

}  // namespace

TEST_CASE("service table: a worker that takes nothing gets nothing more", "[broker]") {
    const Balance balance = GENERATE(Balance::round_robin, Balance::least_outstanding);
    Fixture f;
    REQUIRE(f.serve(1, "sum", balance));
    REQUIRE(f.serve(2, "sum", balance));
    f.deaf[1] = true;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        REQUIRE(f.ask(9, id));
    }
    CHECK(f.went() == "bbb");
    f.deaf[2] = true;
    REQUIRE(f.ask(9, 4));
    f.go_on();
    CHECK(f.went().empty());
    f.deaf[1] = false;
    f.go_on();
    CHECK(f.went() == "a");
}

TEST_CASE("service table: one step hands out no more than there is room for", "[broker]") {
    Fixture f;
    f.room = 2 * (kRequestCost + 2);
    REQUIRE(f.serve(1, "other"));
    f.deaf[1] = true;
    REQUIRE(f.serve(1, "sum", Balance::round_robin, 1, 100, 2));
    for (std::uint64_t id = 1; id <= 5; ++id) {
        REQUIRE(f.ask(9, id));
    }
    f.deaf[1] = false;
    f.go_on();
    CHECK(f.went() == "aa");
    f.go_on();
    CHECK(f.went() == "aa");
}

TEST_CASE("service table: a response of a worker that has ended is late, not malformed",
          "[broker]") {
    Fixture f;
    REQUIRE(f.serve(1));
    REQUIRE(f.ask(9, 1));
    REQUIRE(f.unserve(1));
    const std::uint64_t number = f.calls.at(0).number;
    CHECK(f.respond(1, number, text("r")));
    CHECK(f.table.counters().late == 1);
    CHECK(f.answered(1) == "outcome_unknown");
    CHECK(f.respond(1, number + 1, text("r")).error().code == Errc::malformed);
    CHECK(f.respond(1, 0, text("r")).error().code == Errc::malformed);
    CHECK(f.table.bytes() == 0);
}

TEST_CASE("services: a request goes to the worker, and its reply back", "[broker]") {
    Fixture f;
    REQUIRE(f.serve(1));
    REQUIRE(f.ask(kAsker, 7));
    REQUIRE(f.calls.size() == 1);
    const auto call = f.calls[0];
    CHECK(call.client.peer == 1);
    CHECK(call.worker == 1);
    CHECK(call.left == 1s);
    CHECK(*call.payload == "q7");
    CHECK(f.table.bytes() == 2 + kRequestCost);
    CHECK(f.answers.empty());
    REQUIRE(f.respond(1, call.number, text("r7")));
    CHECK(f.answered(7) == "r7");
    CHECK(f.table.bytes() == 0);
    CHECK(f.table.unanswered() == 0);
    CHECK(f.table.counters().replies == 1);
    // Once.
    CHECK(f.respond(1, call.number, text("r7")));  // once more: for nobody
    CHECK(f.answers.size() == 1);
    CHECK(f.table.counters().late == 1);
    // A worker's error is an answer too.
    REQUIRE(f.ask(kAsker, 8));
    REQUIRE(f.respond(1, f.calls[1].number, Error(Errc::handler_failed, "on purpose")));
    CHECK(f.answered(8) == "handler_failed");
}

TEST_CASE("services: where nobody serves, that is the answer", "[broker]") {
    Fixture f;
    CHECK(f.ask(kAsker, 1).error() == Error(Errc::not_ready, "nobody serves sum"));
    REQUIRE(f.serve(1, "other"));
    CHECK(f.ask(kAsker, 2).error().code == Errc::not_ready);
    REQUIRE(f.serve(1, "sum", Balance::round_robin, 1, 1, 2));
    REQUIRE(f.unserve(1, 2));
    CHECK(f.ask(kAsker, 3).error().code == Errc::not_ready);
    CHECK(f.unserve(1, 2).error().code == Errc::not_found);
    CHECK(f.table.counters().unserved == 3);
    CHECK(f.table.workers() == 1);
}

TEST_CASE("services: round robin takes turns and passes over who is full", "[broker]") {
    Fixture f;
    REQUIRE(f.serve(1, "sum", Balance::round_robin, 9));
    REQUIRE(f.serve(2, "sum", Balance::round_robin, 1));
    REQUIRE(f.serve(3, "sum", Balance::round_robin, 1, 1));
    for (std::uint64_t id = 1; id <= 9; ++id) {
        REQUIRE(f.ask(kAsker, id));
    }
    const std::string went = f.went();
    CHECK(went.substr(0, 3) == "abc");
    CHECK(std::count(went.begin(), went.end(), 'c') == 1);
    CHECK(std::count(went.begin(), went.end(), 'a') == 4);
}

TEST_CASE("services: weights are shares", "[broker]") {
    Fixture f;
    REQUIRE(f.serve(1, "sum", Balance::weighted, 3));
    REQUIRE(f.serve(2, "sum", Balance::weighted, 1));
    for (std::uint64_t id = 1; id <= 8; ++id) {
        REQUIRE(f.ask(kAsker, id));
    }
    CHECK(f.went() == "aabaaaba");
}

TEST_CASE("services: least outstanding goes to who has least", "[broker]") {
    Fixture f;
    REQUIRE(f.serve(1, "sum", Balance::least_outstanding));
    REQUIRE(f.serve(2, "sum", Balance::least_outstanding));
    for (std::uint64_t id = 1; id <= 4; ++id) {
        REQUIRE(f.ask(kAsker, id));
    }
    REQUIRE(f.calls.size() == 4);
    // The first worker is done with both of its own.
    for (const auto& call : std::vector(f.calls)) {
        if (call.client.peer == 1) {
            REQUIRE(f.respond(1, call.number, text("r")));
        }
    }
    f.calls.clear();
    for (std::uint64_t id = 5; id <= 7; ++id) {
        REQUIRE(f.ask(kAsker, id));
    }
    CHECK(f.went().substr(0, 2) == "aa");
}

TEST_CASE("services: what no worker has room for waits in order", "[broker]") {
    Fixture f;
    REQUIRE(f.serve(1, "sum", Balance::round_robin, 1, 1));
    for (std::uint64_t id = 1; id <= 3; ++id) {
        REQUIRE(f.ask(kAsker, id));
    }
    REQUIRE(f.calls.size() == 1);
    f.now += 400ms;
    REQUIRE(f.respond(1, f.calls[0].number, text("r1")));
    REQUIRE(f.calls.size() == 2);
    CHECK(*f.calls[1].payload == "q2");
    CHECK(f.calls[1].left == 600ms);
    // Another worker takes what waits.
    REQUIRE(f.serve(2));
    REQUIRE(f.calls.size() == 3);
    CHECK(f.calls[2].client.peer == 2);
}

TEST_CASE("services: deadlines", "[broker]") {
    Fixture f;
    REQUIRE(f.serve(1, "sum", Balance::round_robin, 1, 1));
    REQUIRE(f.ask(kAsker, 1, "sum", 1000));
    REQUIRE(f.ask(kAsker, 2, "sum", 500));
    REQUIRE(f.ask(kAsker, 3, "sum", 5000));
    CHECK(f.ask(kAsker, 4, "sum", 0).error().code == Errc::invalid_argument);
    f.pass(999ms);
    CHECK(f.answered(2) == "timed_out");  // no worker ever had it
    CHECK(f.answered(1).empty());
    f.pass(1ms);
    CHECK(f.answered(1) == "outcome_unknown");
    // Its place stays taken, and counts, until the worker responds, which nobody waits for any
    // more.
    CHECK(f.calls.size() == 1);
    CHECK(f.table.bytes() == 2 + 2 * kRequestCost);  // and the third, which waits
    REQUIRE(f.respond(1, f.calls[0].number, text("late")));
    CHECK(f.answered(1) == "outcome_unknown");
    CHECK(f.table.counters().late == 1);
    REQUIRE(f.calls.size() == 2);
    CHECK(*f.calls[1].payload == "q3");
    // Cut to the longest there is.
    REQUIRE(f.serve(1, "long", Balance::round_robin, 1, 1, 2));
    REQUIRE(f.ask(kAsker, 5, "long", ~std::uint32_t{0}));
    CHECK(f.calls.back().left == kServiceTimeMax);
    CHECK(f.table.counters().timed_out == 2);
}

TEST_CASE("services: a worker that leaves abandons what it has", "[broker]") {
    Fixture f;
    REQUIRE(f.serve(1, "sum", Balance::round_robin, 1, 1));
    REQUIRE(f.serve(2, "sum", Balance::round_robin, 1, 1));
    for (std::uint64_t id = 1; id <= 3; ++id) {
        REQUIRE(f.ask(kAsker, id));
    }
    f.forget(1);
    CHECK(f.answered(1) == "outcome_unknown");
    CHECK(f.answered(2).empty());
    CHECK(f.answered(3).empty());  // may still be served
    f.forget(2);
    CHECK(f.answered(2) == "outcome_unknown");
    CHECK(f.answered(3) == "not_ready");
    CHECK(f.table.workers() == 0);
    CHECK(f.table.unanswered() == 0);
    CHECK(f.table.bytes() == 0);
    CHECK(f.table.counters().abandoned == 2);
    // What it says now is about nothing.
    CHECK(f.respond(1, f.calls[0].number, text("r")));  // for nobody
    CHECK(f.table.counters().late == 1);
}

TEST_CASE("services: whoever asked and left gets no answer", "[broker]") {
    Fixture f;
    REQUIRE(f.serve(1, "sum", Balance::round_robin, 1, 1));
    REQUIRE(f.ask(kAsker, 1));
    REQUIRE(f.ask(kAsker, 2));
    REQUIRE(f.ask(kAsker + 1, 3));
    f.forget(kAsker);
    CHECK(f.table.unanswered() == 1);
    REQUIRE(f.respond(1, f.calls[0].number, text("r1")));
    CHECK(f.answers.empty());
    REQUIRE(f.calls.size() == 2);
    CHECK(*f.calls[1].payload == "q3");  // the second was withdrawn
    f.pass(1h);
    CHECK(f.answers.size() == 1);
}

TEST_CASE("services: only the worker that has a request may respond", "[broker]") {
    Fixture f;
    REQUIRE(f.serve(1));
    REQUIRE(f.ask(kAsker, 1));
    CHECK(f.respond(2, f.calls[0].number, text("forged")).error().code == Errc::malformed);
    CHECK(f.respond(1, f.calls[0].number + 1, text("forged")).error().code == Errc::malformed);
    // The same peer's number, another session.
    ServiceTable::Out out;
    CHECK_FALSE(f.table.respond({1, 5}, f.calls[0].number, text("forged"), f.now, out));
    CHECK(f.answers.empty());
}

TEST_CASE("services: registrations that cannot be", "[broker]") {
    Fixture f;
    REQUIRE(f.serve(1));
    CHECK(f.serve(2, "sum", Balance::weighted).error().code == Errc::already_exists);
    CHECK(f.serve(1, "other").error().code == Errc::already_exists);  // of the id
    CHECK(f.serve(2, "sum", Balance::round_robin, 0).error().code == Errc::invalid_argument);
    CHECK(f.serve(2, "sum", Balance::round_robin, kWorkerWeightMax + 1).error().code ==
          Errc::invalid_argument);
    CHECK(f.serve(2, "sum", Balance::round_robin, 1, 0).error().code == Errc::invalid_argument);
    CHECK(f.serve(2, "sum", Balance::round_robin, 1, kWorkerCapacityMax + 1).error().code ==
          Errc::invalid_argument);
    CHECK(f.table.workers() == 1);
    // A refused one leaves no service behind.
    CHECK(f.ask(kAsker, 1, "other").error().code == Errc::not_ready);
    // Without workers another balance may be chosen.
    REQUIRE(f.unserve(1));
    CHECK(f.serve(2, "sum", Balance::weighted));
}

TEST_CASE("services: bounds", "[broker]") {
    Fixture f;
    for (std::uint64_t id = 1; id <= kSessionWorkersMax; ++id) {
        REQUIRE(f.serve(1, "s" + std::to_string(id), Balance::round_robin, 1, 1, id));
    }
    CHECK(f.serve(1, "more", Balance::round_robin, 1, 1, 9999).error().code == Errc::busy);
    for (std::uint64_t id = 1; id <= kSessionCallsMax; ++id) {
        REQUIRE(f.ask(kAsker, id, "s1"));
    }
    CHECK(f.ask(kAsker, 99'999, "s1").error().code == Errc::busy);
    std::uint64_t id = 100'000;
    std::size_t taken = kSessionCallsMax;
    for (std::uint32_t peer = kAsker + 1; taken <= kServiceQueueMax; ++peer) {
        for (std::size_t n = 0; n < kSessionCallsMax && taken <= kServiceQueueMax; ++n, ++taken) {
            REQUIRE(f.ask(peer, ++id, "s1"));
        }
    }
    CHECK(f.ask(kAsker + 50, ++id, "s1").error().code == Errc::busy);
    // One is with the worker.
    CHECK(f.table.unanswered() == kServiceQueueMax + 1);
    CHECK(f.table.counters().busy == 2);
    f.pass(1h);
    CHECK(f.table.unanswered() == 0);
    CHECK(f.ask(kAsker, 999'999, "s1"));  // what timed out made room
}

}  // namespace skald::broker
