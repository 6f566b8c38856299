#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>

#include "cli/commands/bench.h"

namespace skald::cli {
namespace {

constexpr std::uint64_t kLookEvery = 64;

// One connection's load. run() is called on a thread of its own, the rest afterwards.
class Publisher {
  public:
    Publisher(EventStore& store, const BenchOptions& options, const Invocation& invocation,
              std::uint64_t number)
        : store_(store),
          options_(options),
          clock_(invocation.console.clock),
          stop_(invocation.console.stop),
          next_stream_(number),
          data_(bench_payload(options.payload)) {}

    // Appends until `end`, then waits for the answers.
    void run(Monotonic end) {
        for (std::uint64_t n = 0; wait_for_room(); ++n) {
            // Seldom: asking for a stop is a system call.
            const bool look = options_.in_flight == 1 || n % kLookEvery == 0;
            if (look && (clock_.monotonic() >= end || stop_.requested())) {
                leave();
                break;
            }
            append();
        }
        wait_until_at_most(0);
    }

    std::uint64_t events() const { return latencies_.count() * options_.per_message; }
    const Latencies& latencies() const { return latencies_; }
    const std::optional<Error>& error() const { return error_; }

  private:
    static constexpr std::uint64_t kNobodyWaits = std::numeric_limits<std::uint64_t>::max();

    // At the bound it sleeps until an eighth is free: to be woken for each answer would cost more
    // than the appends.
    bool wait_for_room() {
        if (under_way_ >= options_.in_flight) {
            wait_until_at_most(options_.in_flight - 1 - options_.in_flight / 8);
        }
        if (failed_) {
            return false;
        }
        ++under_way_;
        return true;
    }

    void wait_until_at_most(std::uint64_t wanted) {
        std::unique_lock lock(mutex_);
        wanted_ = wanted;
        changed_.wait(lock, [&] { return under_way_ <= wanted; });
        wanted_ = kNobodyWaits;
    }

    void leave() {
        const std::uint64_t left = --under_way_;
        const std::uint64_t wanted = wanted_;
        if (wanted != kNobodyWaits && left <= wanted) {
            const std::lock_guard lock(mutex_);
            changed_.notify_one();
        }
    }

    void append() {
        std::vector<NewEvent> events(options_.per_message);
        for (NewEvent& event : events) {
            event.type = "Measured";
            event.data = data_;
        }
        next_stream_ += options_.connections;
        auto request = Append::many(fmt::format("bench-{}", next_stream_ % options_.streams),
                                    std::move(events));
        const Monotonic begun = clock_.monotonic();
        if (options_.in_flight == 1) {
            take(begun, store_.append(std::move(request)));
            return;
        }
        store_.append_async(std::move(request), [this, begun](Result<Receipt> receipt) {
            take(begun, std::move(receipt));
        });
    }

    void take(Monotonic begun, const Result<Receipt>& receipt) {
        if (receipt) {
            latencies_.add(clock_.monotonic() - begun);
        } else if (!failed_.exchange(true)) {
            error_ = receipt.error();
        }
        leave();
    }

    EventStore& store_;
    const BenchOptions& options_;
    const Clock& clock_;
    const StopSignal& stop_;
    std::uint64_t next_stream_;
    const std::string data_;

    std::atomic<std::uint64_t> under_way_{0};
    std::atomic<std::uint64_t> wanted_{kNobodyWaits};  // how few run() waits for
    std::atomic<bool> failed_{false};
    std::mutex mutex_;
    std::condition_variable changed_;
    // Of the thread that calls back, until run() returned.
    Latencies latencies_;
    std::optional<Error> error_;
};

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
