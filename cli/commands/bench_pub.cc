#include <fmt/format.h>

#include <thread>

#include "cli/commands/bench.h"
#include "cli/commands/publisher.h"

namespace skald::cli {
namespace {

std::string shape(const BenchOptions& options) {
    const std::string batch =
        options.per_message > 1 ? fmt::format("_batch{}", options.per_message) : std::string();
    return fmt::format("{}x{}{}", options.connections, options.in_flight, batch);
}

}  // namespace

Result<void> bench_pub(const BenchOptions& options, const Invocation& invocation) {
    std::vector<std::unique_ptr<Publisher>> publishers;  // called back until the stores are closed
    auto stores = BenchStores::open(invocation, options, Create::yes);
    if (!stores) {
        return stores.error();
    }
    const Clock& clock = invocation.console.clock;
    for (std::uint64_t i = 0; i < options.connections; ++i) {
        publishers.push_back(std::make_unique<Publisher>(stores->of(i), options, invocation, i));
    }
    const Monotonic begun = clock.monotonic();
    const Monotonic end = begun + std::chrono::seconds(options.seconds);
    {
        std::vector<std::jthread> threads;
        for (const auto& publisher : publishers) {
            threads.emplace_back([&publisher, end] { publisher->run(end); });
        }
    }
    const double seconds = static_cast<double>((clock.monotonic() - begun).count()) / 1e9;
    Latencies latencies;
    std::uint64_t events = 0;
    for (const auto& publisher : publishers) {
        if (publisher->error()) {
            return *publisher->error();
        }
        latencies.add(publisher->latencies());
        events += publisher->events();
    }
    Output output(invocation);
    BenchReport report(output);
    report.figure("publish_" + shape(options), options.payload,
                  static_cast<double>(events) / seconds, "events/s");
    report.latencies("ack_" + shape(options), options.payload, latencies);
    return output.flush();
}

}  // namespace skald::cli
