#include <fmt/format.h>

#include <condition_variable>
#include <mutex>

#include "cli/commands/bench.h"

namespace skald::cli {
namespace {

constexpr auto kLook = std::chrono::milliseconds(100);
constexpr std::string_view kLiveType = "Timed";

// Counts what is stored; then times live events, whose data begin with the time they were made.
class Follower final : public SubscriptionHandler {
  public:
    explicit Follower(const Clock& clock) : clock_(clock) {}

    void on_events(const Delivery& delivery) override {
        const std::lock_guard lock(mutex_);
        for (const EventView& event : delivery.events) {
            bytes_ += event.data.size();
            if (event.type == kLiveType && caught_up_) {
                live_.add(clock_.monotonic() - bench_time(event.data));
            }
        }
        events_ += delivery.events.size();
        changed_.notify_all();
    }
    void on_caught_up(const CaughtUp&) override {
        const std::lock_guard lock(mutex_);
        if (!caught_up_) {
            stored_ = events_;
            stored_bytes_ = bytes_;
            caught_up_at_ = clock_.monotonic();
        }
        caught_up_ = true;
        changed_.notify_all();
    }
    void on_ended(const Error& reason, const Position&) override {
        const std::lock_guard lock(mutex_);
        error_ = reason;
        changed_.notify_all();
    }

    // Both look for a stop now and then; true when it came first.
    bool wait_caught_up(const StopSignal& stop) {
        return wait(stop, [this] { return caught_up_; });
    }
    bool wait_timed(std::uint64_t count, const StopSignal& stop) {
        return wait(stop, [this, count] { return live_.count() >= count; });
    }

    std::uint64_t stored() const { return stored_; }
    std::uint64_t stored_bytes() const { return stored_bytes_; }
    Monotonic caught_up_at() const { return caught_up_at_; }
    const Latencies& live() const { return live_; }
    const std::optional<Error>& error() const { return error_; }

  private:
    template <typename Predicate>
    bool wait(const StopSignal& stop, Predicate ready) {
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, kLook, [&] { return ready() || error_; })) {
            if (stop.requested()) {
                return true;
            }
        }
        return error_.has_value();
    }

    const Clock& clock_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t events_ = 0;  // guarded by mutex_, like all below while the subscription lives
    std::uint64_t bytes_ = 0;
    std::uint64_t stored_ = 0;
    std::uint64_t stored_bytes_ = 0;
    bool caught_up_ = false;
    Monotonic caught_up_at_{};
    Latencies live_;
    std::optional<Error> error_;
};

struct Following {
    std::unique_ptr<Follower> follower;
    std::unique_ptr<Subscription> subscription;  // ends before its handler
};

Result<std::vector<Following>> subscribe_all(BenchStores& stores, const BenchOptions& options,
                                             const Clock& clock) {
    std::vector<Following> all;
    Subscribe request;
    if (options.category) {
        request.selection = Selection::category(*options.category);
    }
    for (std::uint64_t i = 0; i < options.connections; ++i) {
        Following following{std::make_unique<Follower>(clock), nullptr};
        auto subscription = stores.of(i).subscribe(request, *following.follower);
        if (!subscription) {
            return subscription.error();
        }
        following.subscription = std::move(*subscription);
        all.push_back(std::move(following));
    }
    return all;
}

// One event after the other, each when every subscriber has the one before.
Result<void> publish_live(EventStore& store, std::vector<Following>& all,
                          const BenchOptions& options, const Invocation& invocation) {
    const Clock& clock = invocation.console.clock;
    const StopSignal& stop = invocation.console.stop;
    const Monotonic end = clock.monotonic() + std::chrono::seconds(options.seconds);
    const std::string padding = bench_payload(options.payload);
    const std::string stream = options.category.value_or("bench") + "-live";
    for (std::uint64_t sent = 1; clock.monotonic() < end && !stop.requested(); ++sent) {
        NewEvent event;
        event.type = kLiveType;
        event.data = padding;
        put_bench_time(event.data, clock.monotonic());
        auto receipt = store.append(Append::one(stream, std::move(event)));
        if (!receipt) {
            return receipt.error();
        }
        for (Following& following : all) {
            if (following.follower->wait_timed(sent, stop)) {
                return {};
            }
        }
    }
    return {};
}

Result<void> first_error(std::vector<Following>& all) {
    for (Following& following : all) {
        following.subscription->unsubscribe();
        if (following.follower->error()) {
            return *following.follower->error();
        }
    }
    return {};
}

void print(const std::vector<Following>& all, Monotonic begun, const BenchOptions& options,
           const Invocation& invocation) {
    std::uint64_t stored = 0;
    std::uint64_t bytes = 0;
    Monotonic last = begun;
    Latencies live;
    for (const Following& following : all) {
        stored += following.follower->stored();
        bytes += following.follower->stored_bytes();
        last = std::max(last, following.follower->caught_up_at());
        live.add(following.follower->live());
    }
    Output output(invocation);
    BenchReport report(output);
    const double seconds = static_cast<double>((last - begun).count()) / 1e9;
    if (stored > 0 && seconds > 0) {
        report.figure("replay_push", bytes / stored, static_cast<double>(stored) / seconds,
                      "events/s");
    }
    if (live.count() > 0) {
        report.latencies("end_to_end", options.payload, live);
    }
}

}  // namespace

Result<void> bench_sub(const BenchOptions& options, const Invocation& invocation) {
    auto stores = BenchStores::open(invocation, options, Create::no);
    if (!stores) {
        return stores.error();
    }
    const Monotonic begun = invocation.console.clock.monotonic();
    auto all = subscribe_all(*stores, options, invocation.console.clock);
    if (!all) {
        return all.error();
    }
    bool stopped = false;
    for (Following& following : *all) {
        stopped = stopped || following.follower->wait_caught_up(invocation.console.stop);
    }
    Result<void> published;
    if (!stopped) {
        published = publish_live(stores->of(0), *all, options, invocation);
    }
    if (auto ended = first_error(*all); !ended) {
        return ended;
    }
    if (published) {
        print(*all, begun, options, invocation);
    }
    return published;
}

}  // namespace skald::cli
