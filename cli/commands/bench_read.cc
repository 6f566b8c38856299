#include <thread>

#include "cli/commands/bench.h"
#include "cli/page_walk.h"

namespace skald::cli {
namespace {

struct ReadLoad {
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
    Latencies pages;
    Result<void> ended;
};

void read_all_of(EventStore& store, const BenchOptions& options, const Invocation& invocation,
                 ReadLoad& load) {
    const Clock& clock = invocation.console.clock;
    Walk walk;
    if (options.category) {
        walk.selection = Selection::category(*options.category);
    }
    Monotonic begun = clock.monotonic();
    load.ended = walk_pages(store, walk, invocation.console.stop, [&](const Page& page) {
        for (const EventView& event : page.events) {
            load.bytes += event.data.size();
        }
        load.events += page.events.size();
        const Monotonic now = clock.monotonic();
        load.pages.add(now - begun);
        begun = now;
        return Result<void>();
    });
}

}  // namespace

Result<void> bench_read(const BenchOptions& options, const Invocation& invocation) {
    auto stores = BenchStores::open(invocation, options, Create::no);
    if (!stores) {
        return stores.error();
    }
    const Clock& clock = invocation.console.clock;
    std::vector<ReadLoad> loads(options.connections);
    const Monotonic begun = clock.monotonic();
    {
        std::vector<std::jthread> threads;
        for (std::uint64_t i = 0; i < options.connections; ++i) {
            threads.emplace_back(
                [&, i] { read_all_of(stores->of(i), options, invocation, loads[i]); });
        }
    }
    const double seconds = static_cast<double>((clock.monotonic() - begun).count()) / 1e9;
    ReadLoad sum;
    for (const ReadLoad& load : loads) {
        if (!load.ended && !invocation.console.stop.requested()) {
            return load.ended;
        }
        sum.events += load.events;
        sum.bytes += load.bytes;
        sum.pages.add(load.pages);
    }
    if (sum.events == 0) {
        return Error(Errc::not_found, "nothing is stored: run `skald bench pub` first");
    }
    Output output(invocation);
    BenchReport report(output);
    const std::uint64_t payload = sum.bytes / sum.events;
    report.figure("replay_pull", payload, static_cast<double>(sum.events) / seconds, "events/s");
    report.latencies("page", payload, sum.pages);
    return output.flush();
}

}  // namespace skald::cli
