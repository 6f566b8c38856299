#include <atomic>

#include "cli/commands/bench.h"
#include "cli/commands/bench_consumer.h"

namespace skald::cli {
namespace {

constexpr auto kLook = std::chrono::milliseconds(10);
constexpr std::uint32_t kInFlight = 16384;

Result<std::unique_ptr<BenchConsumer>> create(Consumers& consumers, const BenchOptions& options) {
    ConsumerSettings settings;
    settings.in_flight = kInFlight;
    if (options.category) {
        settings.selection = Selection::category(*options.category);
    }
    settings.mode = options.per_key ? ConsumerMode::per_key : ConsumerMode::shared;
    return BenchConsumer::create(consumers, settings);
}

// Until everything that was there is acknowledged; the time it took since `begun`.
Result<Monotonic> wait_done(const BenchConsumer& consumer, Monotonic begun,
                            const Invocation& invocation) {
    Monotonic last = begun;
    std::uint64_t done = 0;
    do {
        auto status = consumer.show();
        if (!status) {
            return status.error();
        }
        if (status->done != done) {
            done = status->done;
            last = invocation.console.clock.monotonic();
        }
        if (status->behind == 0 && status->waiting == 0 && status->in_flight == 0) {
            break;
        }
    } while (!invocation.console.stop.wait(kLook));
    return last - begun;
}

}  // namespace

// A consumer of its own from the log's beginning.
Result<void> bench_consume(const BenchOptions& options, const Invocation& invocation) {
    auto consumers = open_consumers(invocation);
    if (!consumers) {
        return consumers.error();
    }
    std::atomic<std::uint64_t> events{0};
    std::atomic<std::uint64_t> bytes{0};
    auto consumer = create(**consumers, options);
    if (!consumer) {
        return consumer.error();
    }
    const auto acknowledge = [&events, &bytes](const Work& work) {
        bytes += work.event.data.size();
        ++events;
        return AckWork{};
    };
    const Monotonic begun = invocation.console.clock.monotonic();
    MemberOptions member;
    member.name = "bench";
    member.in_flight =
        static_cast<std::uint32_t>(kInFlight / std::min<std::uint64_t>(options.connections, 16));
    if (auto ok = (*consumer)->join(options.connections, acknowledge, member); !ok) {
        return ok;
    }
    auto took = wait_done(**consumer, begun, invocation);
    if (!took) {
        return took.error();
    }
    Output output(invocation);
    BenchReport report(output);
    const double seconds = std::chrono::duration<double>(*took).count();
    if (events > 0 && seconds > 0) {
        report.figure("consume_acked", bytes / events, static_cast<double>(events) / seconds,
                      "events/s");
    }
    return {};
}

}  // namespace skald::cli
