#include "cqrs/lane_threads.h"

#include <array>
#include <catch2/catch.hpp>
#include <set>

namespace skald::cqrs {

TEST_CASE("lane threads: each part is carried out once, by the same thread each time", "[cqrs]") {
    LaneThreads threads(3);
    std::array<std::thread::id, 3> first;
    threads.run([&](std::size_t lane) { first[lane] = std::this_thread::get_id(); });
    CHECK(std::set<std::thread::id>(first.begin(), first.end()).size() == 3);
    CHECK(first[0] == std::this_thread::get_id());
    for (int round = 0; round < 1000; ++round) {
        std::array<int, 3> calls{};
        std::array<std::thread::id, 3> again;
        threads.run([&](std::size_t lane) {
            ++calls[lane];
            again[lane] = std::this_thread::get_id();
        });
        REQUIRE(calls == std::array<int, 3>{1, 1, 1});
        REQUIRE(again == first);
    }
}

TEST_CASE("lane threads: one is the caller", "[cqrs]") {
    LaneThreads threads(1);
    std::thread::id ran;
    threads.run([&](std::size_t) { ran = std::this_thread::get_id(); });
    CHECK(ran == std::this_thread::get_id());
}

TEST_CASE("lane threads: they work at once", "[cqrs]") {
    LaneThreads threads(4);
    std::mutex mutex;
    std::condition_variable changed;
    int there = 0;
    threads.run([&](std::size_t) {
        std::unique_lock lock(mutex);
        ++there;
        changed.notify_all();
        changed.wait(lock, [&] { return there == 4; });
    });
    CHECK(there == 4);
}

}  // namespace skald::cqrs
