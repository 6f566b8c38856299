// skald bench work: from append to handling, at a steady rate below what would go.
#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <mutex>

#include "cli/commands/bench.h"
#include "cli/commands/bench_consumer.h"

namespace skald::cli {
namespace {

constexpr auto kLook = std::chrono::milliseconds(10);
// A failing stream never rests for longer, and its events are never parked.
constexpr auto kAgainAfter = std::chrono::milliseconds(10);
constexpr std::string_view kCategory = "worked";

std::string stream_name(std::uint64_t number) {
    return fmt::format("{}-{}", kCategory, number);
}

std::uint64_t stream_number(std::string_view stream) {
    stream.remove_prefix(kCategory.size() + 1);
    std::uint64_t number = 0;
    std::from_chars(stream.data(), stream.data() + stream.size(), number);
    return number;
}

// What the members do, on their threads: the streams below `failing` fail, always.
class Workshop {
  public:
    Workshop(const Clock& clock, std::uint64_t failing) : clock_(clock), failing_(failing) {}

    WorkAnswer work(const Work& work) {
        const Monotonic now = clock_.monotonic();
        const std::lock_guard lock(mutex_);
        if (stream_number(work.event.stream) < failing_) {
            ++failures_;
            return RetryWork{};
        }
        handled_.add(now - bench_time(work.event.data));
        return AckWork{};
    }

    std::uint64_t failures() const {
        const std::lock_guard lock(mutex_);
        return failures_;
    }
    Latencies handled() const {
        const std::lock_guard lock(mutex_);
        return handled_;
    }

  private:
    const Clock& clock_;
    const std::uint64_t failing_;
    mutable std::mutex mutex_;
    std::uint64_t failures_ = 0;  // guarded by mutex_
    Latencies handled_;           // guarded by mutex_
};

// What is appended at a rate, whether or not what was appended before is answered.
class SteadyPublisher {
  public:
    SteadyPublisher(const BenchOptions& options, const Invocation& invocation)
        : options_(options), invocation_(invocation), padding_(bench_payload(options.payload)) {}

    // False when a stop came first. The store is closed before this goes.
    bool run(EventStore& store) {
        const Clock& clock = invocation_.console.clock;
        const Monotonic begun = clock.monotonic();
        const std::uint64_t events = options_.rate * options_.seconds;
        for (std::uint64_t n = 0; n < events; ++n) {
            const Monotonic due = begun + Monotonic(std::chrono::seconds(n)) / options_.rate;
            if (!wait_until(due)) {
                return false;
            }
            append(store, n % options_.streams);
        }
        while (answers_ < events) {
            if (invocation_.console.stop.wait(kLook)) {
                return false;
            }
        }
        return true;
    }

    std::optional<Error> error() const {
        const std::lock_guard lock(mutex_);
        return error_;
    }

  private:
    bool wait_until(Monotonic due) const {
        for (Monotonic now = invocation_.console.clock.monotonic(); now < due;
             now = invocation_.console.clock.monotonic()) {
            if (invocation_.console.stop.wait(
                    std::chrono::ceil<std::chrono::milliseconds>(due - now))) {
                return false;
            }
        }
        return true;
    }

    void append(EventStore& store, std::uint64_t stream) {
        NewEvent event;
        event.type = "Worked";
        event.data = padding_;
        put_bench_time(event.data, invocation_.console.clock.monotonic());
        store.append_async(Append::one(stream_name(stream), std::move(event)),
                           [this](const Result<Receipt>& receipt) { take(receipt); });
    }

    void take(const Result<Receipt>& receipt) {
        if (!receipt) {
            const std::lock_guard lock(mutex_);
            error_ = receipt.error();
        }
        ++answers_;
    }

    const BenchOptions& options_;
    const Invocation& invocation_;
    const std::string padding_;
    std::atomic<std::uint64_t> answers_{0};
    mutable std::mutex mutex_;
    std::optional<Error> error_;  // guarded by mutex_
};

// How many of the first `events`, one stream after the other, are of streams that do not fail.
std::uint64_t healthy_events(std::uint64_t events, const BenchOptions& options) {
    const std::uint64_t rest = events % options.streams;
    return events / options.streams * (options.streams - options.failing) +
           (rest > options.failing ? rest - options.failing : 0);
}

Result<std::unique_ptr<BenchConsumer>> create(Consumers& consumers) {
    ConsumerSettings settings;
    settings.mode = ConsumerMode::per_key;
    settings.selection = Selection::category(std::string(kCategory));
    settings.start = End{};
    settings.max_deliveries = 0;
    settings.backoff = {kAgainAfter, 1, kAgainAfter, 0};
    return BenchConsumer::create(consumers, settings);
}

// Until so many events are handled; false when a stop came first.
Result<bool> wait_handled(const Workshop& shop, std::uint64_t events, const BenchConsumer& consumer,
                          const StopSignal& stop) {
    while (shop.handled().count() < events) {
        if (auto status = consumer.show(); !status) {
            return status.error();
        }
        if (stop.wait(kLook)) {
            return false;
        }
    }
    return true;
}

void report(const Workshop& shop, const BenchOptions& options, const Invocation& invocation) {
    Output output(invocation);
    BenchReport report(output);
    const std::string metric =
        fmt::format("work_{}keys_{}failing", options.streams, options.failing);
    report.latencies(metric, options.payload, shop.handled());
    report.figure(metric + "_failures", options.payload, static_cast<double>(shop.failures()),
                  "deliveries");
}

}  // namespace

Result<void> bench_work(const BenchOptions& options, const Invocation& invocation) {
    if (options.failing >= options.streams) {
        return Error(Errc::invalid_argument, "--failing: fewer than there are --streams");
    }
    SteadyPublisher publisher(options, invocation);  // called back until the store is closed
    Workshop shop(invocation.console.clock, options.failing);
    auto store = open_session(invocation, options.store, Create::no);
    if (!store) {
        return store.error();
    }
    auto consumers = open_consumers(invocation);
    if (!consumers) {
        return consumers.error();
    }
    auto consumer = create(**consumers);
    if (!consumer) {
        return consumer.error();
    }
    const auto handler = [&shop](const Work& work) { return shop.work(work); };
    if (auto ok = (*consumer)->join(options.connections, handler, MemberOptions{}); !ok) {
        return ok;
    }
    const bool published = publisher.run(**store);
    if (const auto error = publisher.error()) {
        return *error;
    }
    if (!published) {
        return {};
    }
    const std::uint64_t healthy = healthy_events(options.rate * options.seconds, options);
    auto handled = wait_handled(shop, healthy, **consumer, invocation.console.stop);
    if (handled && *handled) {
        report(shop, options, invocation);
    }
    return handled ? Result<void>() : handled.error();
}

}  // namespace skald::cli
