// skald bench idle: what a node holds while others load it.
#include <fmt/format.h>

#include "cli/commands/bench.h"
#include "cli/commands/bench_consumer.h"

namespace skald::cli {
namespace {

// Each another, of one kind after the other; no load here publishes what they select.
Selection selection(std::uint64_t number) {
    Selection chosen;
    switch (number % 3) {
        case 0:
            return Selection::category(fmt::format("idle{}", number));
        case 1:
            chosen.streams = {fmt::format("*-idle{}", number)};
            return chosen;
        default:
            chosen.types = {fmt::format("*Idle{}", number)};
            return chosen;
    }
}

Result<std::unique_ptr<BenchConsumer>> waiting_consumer(Consumers& consumers,
                                                        std::uint64_t number) {
    ConsumerSettings settings;
    settings.selection = selection(number);
    settings.start = End{};
    auto consumer = BenchConsumer::create(consumers, settings);
    if (!consumer) {
        return consumer;
    }
    const auto release = [](const Work&) { return ReleaseWork{}; };
    auto joined = (*consumer)->join(1, release, MemberOptions{});
    return joined ? std::move(consumer) : joined.error();
}

}  // namespace

Result<void> bench_idle(const BenchOptions& options, const Invocation& invocation) {
    auto consumers = open_consumers(invocation);
    if (!consumers) {
        return consumers.error();
    }
    const StopSignal& stop = invocation.console.stop;
    std::vector<std::unique_ptr<BenchConsumer>> waiting;
    for (std::uint64_t i = 0; i < options.consumers && !stop.requested(); ++i) {
        auto consumer = waiting_consumer(**consumers, i);
        if (!consumer) {
            return consumer.error();
        }
        waiting.push_back(std::move(*consumer));
    }
    Output output(invocation);
    BenchReport(output).figure("idle", 0, static_cast<double>(waiting.size()), "consumers");
    if (auto ok = output.flush(); !ok) {
        return ok;
    }
    stop.wait();
    return {};
}

}  // namespace skald::cli
