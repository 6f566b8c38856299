// The node's thread: it owns the socket and the routing core, and stands between clients and
// volume.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/worker_threads.h"
#include "broker/exchange.h"
#include "broker/local_workers.h"
#include "broker/relay.h"
#include "broker/router.h"
#include "broker/transport/router_socket.h"
#include "wire/zmq/socket.h"

namespace skald::broker {

// What metrics are made of, as of the last tick.
struct NodeStats {
    RouterCounters counters;
    StageStats stages;
    std::array<std::int64_t, kStages> busy_ns{};  // of one thread
    std::size_t sessions = 0;
    std::size_t subscriptions = 0;
    ServiceTable::Counters services;
    std::size_t workers = 0;
    std::size_t service_requests = 0;  // unanswered
    std::size_t in_flight = 0;
    std::size_t queued_bytes = 0;
    std::size_t arena_bytes = 0;
    std::uint64_t holds = 0;
    Monotonic at{};
    std::array<double, kStages> busy_ratio{};  // between the last two ticks
};

// Runs long requests away from the node's thread. Bounded by the plain requests of sessions.
class JobRunner {
  public:
    explicit JobRunner(std::function<void()> wake) : wake_(std::move(wake)) {}
    // busy when the system gives no thread.
    Result<void> start();
    void add(std::vector<Job>& jobs);
    std::vector<JobAnswer> take();

  private:
    std::function<void()> wake_;
    std::mutex mutex_;
    std::vector<JobAnswer> done_;            // guarded by mutex_
    std::unique_ptr<WorkerThreads> thread_;  // the last: it uses the others
};

class Agent {
  public:
    struct Parts {
        store::Volume& volume;
        const Clock& clock;
        NodeLimits limits;
        std::vector<Permission> permissions;
        CurveServer curve;
    };
    static Result<std::unique_ptr<Agent>> open(Parts parts);
    ~Agent();

    Result<std::string> bind(const std::string& endpoint) { return socket_->bind(endpoint); }
    // Hands the socket to a thread of its own. Nothing may be bound afterwards.
    void start();
    // Asks the thread to drain and end.
    void stop();
    // Until it ended; the error that ended it.
    Result<void> wait();
    NodeStats stats() const;
    LocalWorkers& workers() { return workers_; }

  private:
    explicit Agent(Parts parts);
    void run();
    int do_work();
    int receive();
    void submit();
    int reply();
    void serve();
    void send(Effects& effects);
    void tick(Monotonic now);
    void give_back(Monotonic now);
    void drain();
    void await_outcomes();
    void publish(Monotonic now);
    void busy(Stage stage, Monotonic time);

    Parts parts_;
    // The socket's messages may hold it longer than the agent lives.
    std::shared_ptr<wire::Waker> waker_;
    OutcomeExchange exchange_;
    EphemeralInbox inbox_;
    JobRunner runner_;
    LocalWorkers workers_;
    ScavengeRunner scavenges_;
    std::unique_ptr<RouterSocket> socket_;
    std::unique_ptr<Router> router_;
    std::shared_ptr<void> watch_;
    std::shared_ptr<void> relay_;
    std::atomic<bool> news_{false};
    std::atomic<bool> subscribed_{false};  // somebody wants to be told of news
    std::atomic<bool> stop_{false};

    // Of the thread.
    std::vector<Arrival> arrivals_;
    OutcomeBatch outcomes_;
    Effects effects_;
    Monotonic next_tick_{};
    std::uint64_t trimmed_holds_ = 0;
    Monotonic trimmed_{};
    std::array<std::int64_t, kStages> busy_ns_{};
    bool more_ = false;
    Monotonic commit_time_{};  // of the last commit
    bool committed_here_ = false;

    std::thread thread_;
    mutable std::mutex mutex_;
    std::condition_variable ended_;
    NodeStats stats_;  // guarded by mutex_, like the next two
    bool over_ = false;
    std::optional<Error> failure_;
};

}  // namespace skald::broker
