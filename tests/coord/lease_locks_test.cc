// Locks when their store goes wrong, and waits that are given up.
#include <catch2/catch.hpp>
#include <future>

#include "skald/locks.h"
#include "tests/await.h"
#include "tests/coord/failing_coord.h"
#include "tests/temp_directory.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;

struct Desk {
    const TempDirectory directory;
    std::unique_ptr<Coord> kept = std::move(*open_coord(directory.path("coord")));
    FailingCoord between{*kept};
    std::unique_ptr<Locks> locks = open_locks(between);
};

}  // namespace

TEST_CASE("locks: a watch that ends takes no lock, and the next one sees who does", "[coord]") {
    Desk d;
    const WatchEnd why = GENERATE(WatchEnd::compacted, WatchEnd::lost);
    auto lock = d.locks->acquire({"a", "b"}, {"me", 10s});
    REQUIRE(lock);
    const int watches = d.between.watches();
    d.between.end_watches(why);
    await([&] { return d.between.watches() >= watches + 2; });
    CHECK((*lock)->held());
    REQUIRE(d.locks->take_away("b", "ann", "why"));
    await([&] { return !(*lock)->held(); });
    CHECK((*lock)->release().error().code == Errc::not_found);
}

TEST_CASE("locks: a wait is given up when it is to stop", "[coord]") {
    Desk d;
    auto held = d.locks->acquire({"a"}, {"me", 10s});
    REQUIRE(held);
    std::stop_source stop;
    auto waiting = std::async(std::launch::async, [&] {
        return d.locks->acquire({"a"}, {"you", 10s, 1h, stop.get_token()});
    });
    await([&] { return d.locks->list()->at(0).waiters.size() == 1; });
    stop.request_stop();
    CHECK(waiting.get().error().code == Errc::timed_out);
    CHECK(d.locks->list()->at(0).waiters.empty());
    CHECK((*held)->held());
}

}  // namespace skald::coord
