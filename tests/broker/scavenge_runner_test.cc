#include "broker/scavenge_runner.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>

#include "tests/broker/fake_volume.h"

namespace skald::broker {
namespace {

// Scavenges until it is let go, or stopped.
class SlowVolume final : public FakeVolume {
  public:
    Result<ScavengeReport> scavenge(const AdminProgress& progress,
                                    const std::stop_token& stop) override {
        progress(3, 10);
        std::unique_lock lock(mutex_);
        ++begun;
        changed_.notify_all();
        changed_.wait(lock, stop, [this] { return let_go_ || failing; });
        if (stop.stop_requested() || failing) {
            return Error(stop.stop_requested() ? Errc::shutting_down : Errc::corrupt, "no more");
        }
        let_go_ = false;
        ScavengeReport report;
        report.records_removed = 5;
        return report;
    }
    void await(int runs) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return begun == runs; });
    }
    void let_go() {
        const std::scoped_lock lock(mutex_);
        let_go_ = true;
        changed_.notify_all();
    }

    int begun = 0;
    bool failing = false;

  private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool let_go_ = false;
};

wire::msg::Scavenge run(std::uint8_t number) {
    return {7, Uuid{{number}}};
}

// How a run ended; it must be let go.
Result<wire::msg::ScavengeAnswer> end_of(ScavengeRunner& runner, std::uint8_t number) {
    for (;;) {
        auto standing = runner.ask(run(number));
        if (!standing || !standing->running) {
            return standing;
        }
        std::this_thread::yield();
    }
}

}  // namespace

TEST_CASE("scavenge runner: asked again it tells how the run stands", "[broker]") {
    SlowVolume volume;
    ScavengeRunner runner(volume);
    CHECK(runner.ask(run(1))->running);
    volume.await(1);
    const auto standing = runner.ask(run(1));
    REQUIRE(standing);
    CHECK(standing->id == 7);
    CHECK(standing->running);
    CHECK(standing->done == 3);
    CHECK(standing->total == 10);
    volume.let_go();
    CHECK(end_of(runner, 1)->report.records_removed == 5);
    CHECK(volume.begun == 1);
}

TEST_CASE("scavenge runner: one at a time", "[broker]") {
    SlowVolume volume;
    ScavengeRunner runner(volume);
    CHECK(runner.ask(run(1)));
    CHECK(runner.ask(run(2)).error().code == Errc::busy);
    volume.let_go();
    CHECK(end_of(runner, 1));
    CHECK(runner.ask(run(2))->running);
    volume.await(2);
    volume.let_go();
    CHECK(end_of(runner, 2)->report.records_removed == 5);
}

TEST_CASE("scavenge runner: what ended a run is told, and the next may begin", "[broker]") {
    SlowVolume volume;
    volume.failing = true;
    ScavengeRunner runner(volume);
    (void)runner.ask(run(1));
    CHECK(end_of(runner, 1).error().code == Errc::corrupt);
    CHECK(runner.ask(run(1)).error().code == Errc::corrupt);
    CHECK(end_of(runner, 2).error().code == Errc::corrupt);
    CHECK(volume.begun == 2);
}

TEST_CASE("scavenge runner: its end stops a run", "[broker]") {
    SlowVolume volume;
    {
        ScavengeRunner runner(volume);
        CHECK(runner.ask(run(1))->running);
    }
    CHECK(volume.begun <= 1);
}

}  // namespace skald::broker
