#include "coord/rounds.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/await.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;

struct Desk {
    explicit Desk(std::size_t threads_max) : rounds(threads_max, clock) {}
    void pass(Monotonic time) {
        clock.advance(std::chrono::duration_cast<std::chrono::microseconds>(time));
        rounds.wake();
    }
    std::unique_ptr<Rounds::Round> count(std::atomic<int>& calls, Monotonic every,
                                         Monotonic first) {
        return rounds.add(every, first, [&calls](const std::stop_token&) { ++calls; });
    }

    ManualClock clock;
    Rounds rounds;
};

// Does not end before it is let go, or asked to stop.
struct Held {
    Rounds::Task task() {
        return [this](const std::stop_token& stop) {
            ++begun;
            while (!go && !stop.stop_requested()) {
            }
            ++ended;
        };
    }
    std::atomic<bool> go{false};
    std::atomic<int> begun{0};
    std::atomic<int> ended{0};
};

}  // namespace

TEST_CASE("rounds: each thing at its interval", "[coord]") {
    Desk d(1);
    std::atomic<int> often{0};
    std::atomic<int> seldom{0};
    auto first = d.count(often, 10s, 0s);
    const auto second = d.count(seldom, 25s, 25s);
    await([&] { return often == 1; });
    for (int i = 2; i <= 5; ++i) {
        d.pass(10s);
        await([&] { return often == i; });
    }
    await([&] { return seldom == 1; });
    // Four are missed, one is done.
    d.pass(40s);
    await([&] { return often >= 6; });
    d.pass(9s);
    d.pass(1s);
    await([&] { return often == 7; });
    first.reset();
    const int before = seldom;
    d.pass(25s);
    await([&] { return seldom > before; });
    CHECK(often == 7);
}

TEST_CASE("rounds: what takes long holds up nobody while there are threads", "[coord]") {
    Held held;
    std::atomic<int> calls{0};
    Desk d(2);
    const auto slow = d.rounds.add(1s, 0s, held.task());
    await([&] { return held.begun == 1; });
    const auto quick = d.count(calls, 1s, 0s);
    for (int i = 1; i <= 3; ++i) {
        await([&] { return calls >= i; });
        d.pass(1s);
    }
    CHECK(held.begun == 1);
    held.go = true;
    await([&] { return held.begun > 1; });
}

TEST_CASE("rounds: whoever ends one does not wait for it, but asks it to stop", "[coord]") {
    Held held;
    std::atomic<int> calls{0};
    Desk d(1);
    auto round = d.rounds.add(1s, 0s, held.task());
    await([&] { return held.begun == 1; });
    round.reset();
    await([&] { return held.ended == 1; });
    const auto other = d.count(calls, 1s, 0s);
    d.pass(10s);
    await([&] { return calls > 0; });
    CHECK(held.begun == 1);
}

TEST_CASE("rounds: one may end itself, and what it holds goes with it", "[coord]") {
    std::atomic<bool> gone{false};
    std::atomic<bool> set{false};
    std::unique_ptr<Rounds::Round> round;
    Desk d(1);
    std::shared_ptr<int> holds(new int(0), [&](const int* p) {
        d.rounds.wake();  // no lock is held
        delete p;
        gone = true;
    });
    round = d.rounds.add(1s, 0s, [&, holds](const std::stop_token&) {
        while (!set) {
        }
        round.reset();
    });
    holds.reset();
    set = true;
    await([&] { return gone.load(); });
}

TEST_CASE("rounds: their end waits for what runs", "[coord]") {
    std::atomic<bool> go{false};
    std::atomic<int> begun{0};
    std::atomic<int> ended{0};
    std::thread lets_go;
    {
        Desk d(1);
        auto round = d.rounds.add(1s, 0s, [&](const std::stop_token&) {
            ++begun;
            while (!go) {
            }
            ++ended;
        });
        await([&] { return begun == 1; });
        round.reset();
        CHECK(ended == 0);
        lets_go = std::thread([&] { go = true; });
    }
    CHECK(ended == 1);
    lets_go.join();
}

}  // namespace skald::coord
