// The loads that need a node: durable consumers.
#include <algorithm>
#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <sstream>

#include "cli/commands/bench.h"
#include "tests/cli/harness.h"
#include "tests/cli/node_of_test.h"

namespace skald::cli {
namespace {

using List = std::vector<std::string>;

class BenchDesk {
  public:
    BenchDesk() {
        backends_.connect = connect;
        backends_.connect_consumers = connect_consumers;
        client_.servers = node_->endpoints();
        store_ = *connect(client_);
        consumers_ = *connect_consumers(client_);
    }

    Result<void> run(Result<void> (*load)(const BenchOptions&, const Invocation&),
                     const BenchOptions& options) {
        MemorySource in("");
        std::ostringstream err;
        Console console{
            .in = in, .out = out_, .err = err, .environment = {}, .clock = clock_, .stop = stop_};
        Globals globals;
        globals.servers = node_->endpoints();
        return load(options, {console, globals, backends_});
    }
    // Of what was printed, "metric unit" a line.
    List figures() const {
        List all;
        for (const std::string& line : lines_of(out_.str())) {
            std::istringstream words(line);
            std::string who;
            std::string metric;
            std::string payload;
            double value = 0;
            std::string unit;
            words >> who >> metric >> payload >> value >> unit;
            CHECK(value > 0);
            all.push_back(metric + " " + unit);
        }
        return all;
    }
    std::string out() const { return out_.str(); }
    const StopSignal& stop() const { return stop_; }
    EventStore& store() { return *store_; }
    std::vector<ConsumerStatus> consumers() { return consumers_->list().value(); }

  private:
    const TempDirectory directory_;
    const SystemClock clock_;
    const StopSignal stop_ = StopSignal::create().value();
    std::ostringstream out_;
    const std::unique_ptr<Node> node_ = start_node(directory_);
    Backends backends_;
    ClientOptions client_;
    std::unique_ptr<EventStore> store_;
    std::unique_ptr<Consumers> consumers_;
};

}  // namespace

TEST_CASE("bench consume: everything that is stored is acknowledged, and the consumer gone") {
    BenchDesk desk;
    for (int i = 0; i < 5; ++i) {
        NewEvent event;
        event.type = "Placed";
        event.data = "12";
        REQUIRE(desk.store().append(Append::one("order-1", event)));
    }
    BenchOptions options;
    options.connections = 2;
    options.per_key = GENERATE(false, true);
    REQUIRE(desk.run(bench_consume, options));
    CHECK(desk.figures() == List{"consume_acked events/s"});
    CHECK(desk.out().find("skald consume_acked 2 ") == 0);
    CHECK(desk.consumers().empty());
}

TEST_CASE("bench work: as many events as the rate says, on all streams in turns") {
    BenchDesk desk;
    BenchOptions options;
    options.rate = 500;
    options.seconds = 1;
    options.streams = 8;
    options.failing = 1;
    options.connections = 2;
    REQUIRE(desk.run(bench_work, options));
    CHECK(desk.figures() == List{"work_8keys_1failing_p50 us", "work_8keys_1failing_p99 us",
                                 "work_8keys_1failing_p999 us", "work_8keys_1failing_max us",
                                 "work_8keys_1failing_failures deliveries"});
    CHECK(desk.consumers().empty());
    Read all;
    all.selection = Selection::category("worked");
    std::map<std::string, int> events;
    int count = 0;
    for (bool end = false; !end;) {
        const auto page = desk.store().read(all);
        REQUIRE(page);
        for (const EventView& event : page->events) {
            ++events[std::string(event.stream)];
            ++count;
        }
        all.start = page->next;
        end = page->end;
    }
    CHECK(count == 500);
    CHECK(events.size() == 8);
    CHECK(events["worked-3"] == 63);
    CHECK(events["worked-4"] == 62);
}

TEST_CASE("bench work: some stream must not fail") {
    BenchDesk desk;
    BenchOptions options;
    options.streams = 3;
    options.failing = 3;
    const auto refused = desk.run(bench_work, options);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_argument);
}

TEST_CASE("bench idle: consumers of different filters, each with a member, until a stop") {
    BenchDesk desk;
    BenchOptions options;
    options.consumers = 3;
    auto load = std::async(std::launch::async, [&] { return desk.run(bench_idle, options); });
    std::vector<ConsumerStatus> waiting;
    const auto has_member = [](const ConsumerStatus& status) { return status.member_count == 1; };
    do {
        waiting = desk.consumers();
        REQUIRE(load.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
    } while (waiting.size() < 3 || !std::all_of(waiting.begin(), waiting.end(), has_member));
    List selected;
    for (const ConsumerStatus& status : waiting) {
        const Selection& chosen = status.settings.selection;
        selected.insert(selected.end(), chosen.streams.begin(), chosen.streams.end());
        selected.insert(selected.end(), chosen.types.begin(), chosen.types.end());
        if (chosen.kind == Selection::Kind::category) {
            selected.push_back(chosen.name);
        }
    }
    std::sort(selected.begin(), selected.end());
    CHECK(selected == List{"*-idle1", "*Idle2", "idle0"});
    desk.stop().request();
    REQUIRE(load.get());
    CHECK(desk.out() == "skald idle 0 3.00 consumers\n");
    CHECK(desk.consumers().empty());
}

}  // namespace skald::cli
