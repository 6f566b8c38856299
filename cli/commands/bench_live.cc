#include <fmt/format.h>

#include "cli/commands/bench.h"
#include "cli/commands/publisher.h"

namespace skald::cli {
namespace {

constexpr auto kLook = std::chrono::milliseconds(100);

// Counts what it is given.
class Counter final : public SubscriptionHandler {
  public:
    void on_events(const Delivery& delivery) override { add(delivery.events.size()); }
    void on_caught_up(const CaughtUp&) override {
        const std::lock_guard lock(mutex_);
        caught_up_ = true;
        changed_.notify_one();
    }
    void on_ended(const Error& reason, const Position&) override {
        const std::lock_guard lock(mutex_);
        error_ = reason;
        changed_.notify_one();
    }

    // Until so many events came, after it was caught up; false when a stop came first.
    Result<bool> wait(std::uint64_t events, const StopSignal& stop) {
        std::unique_lock lock(mutex_);
        wanted_ = events;
        const auto there = [&] { return error_ || (caught_up_ && events_ >= events); };
        while (!changed_.wait_for(lock, kLook, there)) {
            if (stop.requested()) {
                return false;
            }
        }
        return error_ ? Result<bool>(*error_) : Result<bool>(true);
    }

  private:
    void add(std::size_t events) {
        const std::lock_guard lock(mutex_);
        events_ += events;
        if (events_ >= wanted_) {
            changed_.notify_one();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t events_ = 0;  // guarded by mutex_, like those below
    std::uint64_t wanted_ = 0;
    bool caught_up_ = false;
    std::optional<Error> error_;
};

Result<bool> wait_for_all(std::vector<std::unique_ptr<Counter>>& counters, std::uint64_t events,
                          const StopSignal& stop) {
    for (const auto& counter : counters) {
        if (auto there = counter->wait(events, stop); !there || !*there) {
            return there;
        }
    }
    return true;
}

}  // namespace

// One connection publishes, each of the others follows from the end of the log.
Result<void> bench_live(const BenchOptions& options, const Invocation& invocation) {
    std::vector<std::unique_ptr<Counter>> counters;
    std::unique_ptr<Publisher> publisher;  // called back until the stores are closed
    BenchOptions connections = options;
    ++connections.connections;
    auto stores = BenchStores::open(invocation, connections, Create::yes);
    if (!stores) {
        return stores.error();
    }
    const StopSignal& stop = invocation.console.stop;
    std::vector<std::unique_ptr<Subscription>> subscriptions;  // end before their handlers
    for (std::uint64_t i = 0; i < options.connections; ++i) {
        counters.push_back(std::make_unique<Counter>());
        Subscribe request;
        request.start = End{};
        auto subscription = stores->of(i + 1).subscribe(request, *counters.back());
        if (!subscription) {
            return subscription.error();
        }
        subscriptions.push_back(std::move(*subscription));
    }
    if (auto there = wait_for_all(counters, 0, stop); !there) {
        return there.error();
    }
    const Clock& clock = invocation.console.clock;
    const Monotonic begun = clock.monotonic();
    publisher = std::make_unique<Publisher>(stores->of(0), options, invocation, 0);
    publisher->run(begun + std::chrono::seconds(options.seconds));
    if (publisher->error()) {
        return *publisher->error();
    }
    auto there = wait_for_all(counters, publisher->events(), stop);
    if (!there) {
        return there.error();
    }
    if (!*there) {
        return {};
    }
    const double seconds = static_cast<double>((clock.monotonic() - begun).count()) / 1e9;
    const std::uint64_t deliveries = publisher->events() * options.connections;
    Output output(invocation);
    BenchReport(output).figure(
        fmt::format("live_{}sub_batch{}", options.connections, options.per_message),
        options.payload, static_cast<double>(deliveries) / seconds, "deliveries/s");
    return output.flush();
}

}  // namespace skald::cli
