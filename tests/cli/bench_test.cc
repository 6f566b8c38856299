#include "cli/commands/bench.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "skald/store.h"
#include "tests/cli/harness.h"

namespace skald::cli {
namespace {

// Every look at this clock takes a millisecond: loads end after so many looks.
class TickingClock final : public Clock {
  public:
    Time now() const override { return Time{ticks_ * 1000}; }
    Monotonic monotonic() const override { return std::chrono::milliseconds(++ticks_); }

  private:
    mutable std::atomic<std::int64_t> ticks_{0};
};

struct Load {
    Result<void> done;
    std::string out;
};

Load run_load(Harness& harness, const BenchOptions& options,
              Result<void> (*load)(const BenchOptions&, const Invocation&), bool json = false) {
    const StopSignal stop = StopSignal::create().value();
    const TickingClock clock;
    MemorySource in("");
    std::ostringstream out;
    std::ostringstream err;
    Console console{
        .in = in, .out = out, .err = err, .environment = {}, .clock = clock, .stop = stop};
    Globals globals;
    globals.json = json;
    auto done = load(options, {console, globals, harness.backends});
    return {done, out.str()};
}

// "metric unit" of each line; checks that all else is as it must be.
std::vector<std::string> figures(const std::string& out, const std::string& payload) {
    std::vector<std::string> all;
    for (const std::string& line : lines_of(out)) {
        std::istringstream words(line);
        std::string who;
        std::string metric;
        std::string bytes;
        double value = -1;
        std::string unit;
        words >> who >> metric >> bytes >> value >> unit;
        CHECK(who == "skald");
        CHECK(bytes == payload);
        CHECK(value > 0);
        all.push_back(metric + " " + unit);
    }
    return all;
}

BenchOptions options() {
    BenchOptions options;
    options.store.directory = "d";
    options.seconds = 1;
    return options;
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("bench pub: a rate and the percentiles of its answers") {
    Harness harness;
    BenchOptions load = options();
    const Load one = run_load(harness, load, bench_pub);
    REQUIRE(one.done);
    CHECK(figures(one.out, "128") == List{"publish_1x1 events/s", "ack_1x1_p50 us",
                                          "ack_1x1_p99 us", "ack_1x1_p999 us", "ack_1x1_max us"});
    load.connections = 2;
    load.in_flight = 16;
    load.per_message = 4;
    load.payload = 10;
    load.streams = 3;
    const std::size_t before = harness.store().events();
    const Load many = run_load(harness, load, bench_pub);
    REQUIRE(many.done);
    CHECK(figures(many.out, "10")[0] == "publish_2x16_batch4 events/s");
    CHECK((harness.store().events() - before) % 4 == 0);
    CHECK(harness.store().events() > before);
}

TEST_CASE("bench pub: a full queue is waited for") {
    Harness harness;
    BenchOptions load = options();
    load.in_flight = GENERATE(1, 16);
    harness.store().fail_next("bench-1", Error(Errc::busy, "full"));
    CHECK(run_load(harness, load, bench_pub).done);
    CHECK(harness.store().events() > 0);
}

TEST_CASE("bench read: everything that is stored") {
    Harness harness;
    harness.store();
    const Load nothing = run_load(harness, options(), bench_read);
    REQUIRE_FALSE(nothing.done);
    CHECK(nothing.done.error().message == "nothing is stored: run `skald bench pub` first");
    REQUIRE(run_load(harness, options(), bench_pub).done);
    const Load read = run_load(harness, options(), bench_read);
    REQUIRE(read.done);
    CHECK(figures(read.out, "128")[0] == "replay_pull events/s");
}

TEST_CASE("bench sub: what is stored, then from append to delivery") {
    Harness harness;
    REQUIRE(run_load(harness, options(), bench_pub).done);
    BenchOptions load = options();
    load.connections = 2;
    const Load sub = run_load(harness, load, bench_sub);
    REQUIRE(sub.done);
    CHECK(figures(sub.out, "128") == List{"replay_push events/s", "end_to_end_p50 us",
                                          "end_to_end_p99 us", "end_to_end_p999 us",
                                          "end_to_end_max us"});
}

TEST_CASE("bench live: what each subscriber was given") {
    Harness harness;
    BenchOptions load = options();
    load.connections = 3;
    load.per_message = 5;
    const Load live = run_load(harness, load, bench_live);
    REQUIRE(live.done);
    CHECK(figures(live.out, "128") == List{"live_3sub_batch5 deliveries/s"});
}

TEST_CASE("bench: figures as JSON, errors as errors, payloads as JSON") {
    Harness harness;
    const Load pub = run_load(harness, options(), bench_pub, true);
    REQUIRE(pub.done);
    const auto figure = nlohmann::json::parse(lines_of(pub.out)[0]);
    CHECK(figure["who"] == "skald");
    CHECK(figure["metric"] == "publish_1x1");
    CHECK(figure["unit"] == "events/s");
    harness.store().fail_next("bench-1", Error(Errc::disk_full, "no room"));
    CHECK(run_load(harness, options(), bench_pub).done.error().code == Errc::disk_full);
    for (const std::uint64_t bytes : {2, 3, 128, 4096}) {
        const std::string payload = bench_payload(bytes);
        CHECK(payload.size() == bytes);
        CHECK(nlohmann::json::parse(payload).is_string());
    }
}

TEST_CASE("bench rebuild: aggregates folded as they were written, and out of the cache") {
    Harness harness;
    TempDirectory directory;
    harness.backends.open = open_store;
    BenchOptions load = options();
    load.store.directory = directory.path("d");
    load.streams = 3;
    load.per_stream = 5;
    List expected;
    for (const char* metric : {"rebuild_scattered", "rebuild_runs", "rebuild_cached"}) {
        expected.push_back(std::string(metric) + " events/s");
        for (const char* part : {"p50", "p99", "p999", "max"}) {
            expected.push_back(std::string(metric) + "_" + part + " us");
        }
    }
    for (int run = 0; run < 2; ++run) {  // the second finds the events there
        const Load done = run_load(harness, load, bench_rebuild);
        REQUIRE(done.done);
        CHECK(figures(done.out, "128") == expected);
    }
    CHECK((*open_store(load.store.directory, {}))->position()->partitions.at(0).next.value == 30);
    load.per_stream = 4;
    CHECK(run_load(harness, load, bench_rebuild).done.error().code == Errc::corrupt);
}

}  // namespace skald::cli
