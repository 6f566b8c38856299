#include "base/worker_threads.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>

namespace skald {

TEST_CASE("worker threads: one does what comes in its order", "[base]") {
    std::vector<int> done;
    std::promise<void> last;
    auto threads = WorkerThreads::start(1);
    REQUIRE(threads);
    for (int i = 0; i < 100; ++i) {
        (*threads)->queue()->add([&done, i] { done.push_back(i); });
    }
    (*threads)->queue()->add([&last] { last.set_value(); });
    last.get_future().wait();
    REQUIRE(done.size() == 100);
    CHECK(std::is_sorted(done.begin(), done.end()));
}

TEST_CASE("worker threads: their end waits for what runs and drops the rest", "[base]") {
    std::promise<void> begun;
    std::promise<void> may_end;
    std::atomic<int> done{0};
    auto threads = WorkerThreads::start(1);
    REQUIRE(threads);
    const auto queue = (*threads)->queue();
    queue->add([&, wait = may_end.get_future().share()] {
        begun.set_value();
        wait.wait();
        ++done;
    });
    begun.get_future().wait();
    queue->add([&] { done += 100; });
    queue->clear();
    queue->add([&] { done += 1000; });
    std::thread ending([&] { threads->reset(); });
    queue->close();  // as the end does: only then what runs may go on
    may_end.set_value();
    ending.join();
    CHECK(done == 1);
    queue->add([&] { done += 10'000; });
    CHECK(done == 1);
}

}  // namespace skald
