// The client's thread at the socket: it owns the connection and the session, and takes calls over a
// bounded queue.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "client/dispatcher.h"
#include "client/session.h"
#include "client/spare_calls.h"
#include "client/transport/dealer_socket.h"

namespace skald::client {

// Thread safe.
class Agent {
  public:
    struct Options {
        std::vector<std::string> servers;
        CurveClient curve;
        SessionOptions session;
        std::chrono::milliseconds timeout;  // of appends and changes
        const Clock& clock = SystemClock::instance();
    };
    explicit Agent(Options options);
    ~Agent();  // resolves what is open
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // Waits for the node's welcome.
    Result<wire::msg::Welcome> await_welcome(std::chrono::milliseconds timeout);

    // False, and `call` untouched, when the queue is at its bound or the client closes.
    bool submit(std::unique_ptr<Sequenced>& call);
    // Waits for room; false when there is none within the timeout.
    bool submit_blocking(std::unique_ptr<Sequenced>& call);
    void request(Plain call);
    void subscribe(NewSubscription subscription);
    void unsubscribe(SubscriptionId id);
    Dispatcher& dispatcher() { return dispatcher_; }
    SpareCalls& spare_calls() { return spare_calls_; }
    Monotonic now() const { return options_.clock.monotonic(); }

  private:
    using Input = std::variant<Plain, NewSubscription, Consumed>;
    struct Inbox {
        std::vector<std::unique_ptr<Sequenced>> calls;
        std::vector<Input> others;
        bool empty() const { return calls.empty() && others.empty(); }
        void clear() {
            calls.clear();
            others.clear();
        }
    };

    bool push(Input input);
    bool has_room(std::size_t bytes) const;
    void give_room(std::size_t requests, std::size_t bytes);
    void enqueue(std::unique_ptr<Sequenced>& call);
    void run();
    // Whether there were some.
    bool take_inputs();
    bool take_answers();
    void apply();
    void send_out();
    void resolve_at_once();
    void announce();

    Options options_;
    wire::Waker waker_;
    Session session_;  // of the thread, like the next three
    std::unique_ptr<DealerSocket> socket_;
    Inbox taken_;
    bool announced_ = false;

    std::mutex mutex_;
    std::condition_variable room_;
    Inbox inbox_;  // guarded by mutex_, like the next five
    std::size_t open_requests_ = 0;
    std::size_t open_bytes_ = 0;
    std::size_t waiting_for_room_ = 0;
    bool closed_ = false;
    std::optional<Result<wire::msg::Welcome>> welcome_;
    std::atomic<bool> stop_{false};
    SpareCalls spare_calls_;
    Dispatcher dispatcher_;
    std::thread thread_;
};

}  // namespace skald::client
