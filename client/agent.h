// The client at its socket: a loop over the connection, the session and a bounded queue of calls. A
// thread of its own runs it; while lone calls follow one another, their callers do in its place.
#pragma once

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "client/append_source.h"
#include "client/dispatcher.h"
#include "client/session.h"
#include "client/spare_calls.h"
#include "client/transport/dealer_socket.h"

namespace skald::client {

// Thread safe.
class Agent final : public CallQueue {
  public:
    struct Options {
        CurveClient curve;
        SessionOptions session;
        std::chrono::milliseconds timeout;  // of every call
        const Clock& clock = SystemClock::instance();
    };
    explicit Agent(Options options);
    ~Agent() override;  // resolves what is open
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    Result<wire::msg::Welcome> await_welcome();

    bool take_room(std::size_t bytes) override;
    void give_room(std::size_t appends, std::size_t bytes) override;
    bool submit(std::unique_ptr<Sequenced>& call, AppendSource* open) override;
    // Waits for room, busy when there is none within the timeout, and then for the receipt.
    Result<Receipt> settle(std::unique_ptr<Sequenced> call);
    // A Rejected comes back as its error.
    Result<Answer> ask(wire::msg::FromClient message,
                       std::shared_ptr<const std::string> body = nullptr);
    // The same in two steps.
    std::future<Result<Answer>> ask_ahead(wire::msg::FromClient message);
    static Result<Answer> wait(std::future<Result<Answer>> answer);
    // `begun` is called before anything can be told to the subscription; it must not block.
    Result<Begun> subscribe(const Subscribe& request, std::function<void(const Begun&)> begun);
    void unsubscribe(SubscriptionId id);
    Result<Answer> call(std::string_view service, std::string payload,
                        std::chrono::milliseconds time);
    // `done` is called once: here when the client was closed, else by whoever runs the loop.
    void begin_call(std::string_view service, std::string payload, std::chrono::milliseconds time,
                    std::function<void(Result<Answer>)> done);
    Result<std::uint64_t> serve(wire::msg::Serve message, std::function<void(Called)> call);
    void respond(Response response);
    void unserve(std::uint64_t worker);
    Dispatcher& dispatcher() { return dispatcher_; }
    SpareCalls& spare_calls() { return spare_calls_; }

  private:
    struct EndWorker {
        std::uint64_t worker = 0;
    };
    using Input =
        std::variant<Plain, NewSubscription, Consumed, ServiceCall, NewWorker, Response, EndWorker>;
    struct Submitted {
        std::unique_ptr<Sequenced> call;
        AppendSource* open = nullptr;  // more may join, until it is closed there
    };
    struct Inbox {
        std::vector<Submitted> calls;
        std::vector<Input> others;
        bool empty() const { return calls.empty() && others.empty(); }
        void clear() {
            calls.clear();
            others.clear();
        }
    };

    // Who runs the loop for a call that was added to the queue.
    enum class Loop : std::uint8_t { of_another, of_caller };
    bool push(Input input);
    void wake_loop();
    Loop claim_loop();
    ServiceCall service_call(std::string_view service, std::string payload,
                             std::chrono::milliseconds time,
                             std::function<void(Result<Answer>)> done) const;
    template <typename T>
    Result<T> await(std::future<Result<T>> answer, Loop loop);
    template <typename T>
    Result<T> await(std::future<Result<T>> answer, Input input);
    void leave_loop();
    void linger(std::unique_lock<std::mutex>& lock);
    void run();
    void turn();
    bool quiet() const;
    Monotonic now() const { return options_.clock.monotonic(); }
    // Whether there were some.
    bool take_inputs();
    void take(Plain& plain);
    void take(NewSubscription& subscription);
    void take(Consumed& used);
    void take(ServiceCall& call);
    void take(NewWorker& worker);
    void take(Response& response);
    void take(EndWorker& end);
    bool take_answers();
    void apply();
    void send_out();
    void resolve_at_once();
    void announce();

    Options options_;
    wire::Waker waker_;
    Session session_;  // of whoever runs the loop, like the next six
    std::unique_ptr<DealerSocket> socket_;
    Inbox taken_;
    wire::RequestGroup group_memory_;
    bool announced_ = false;
    bool busy_ = false;              // there may be more: not to sleep in the next turn
    bool resolved_waiting_ = false;  // in this turn

    std::mutex mutex_;
    std::condition_variable room_;
    std::atomic<std::size_t> open_appends_{0};
    std::atomic<std::size_t> open_bytes_{0};
    std::atomic<std::size_t> waiting_for_room_{0};
    Inbox inbox_;  // guarded by mutex_, like the next five
    bool closed_ = false;
    std::optional<Result<wire::msg::Welcome>> welcome_;
    // The loop is nobody's: a caller that waits may run it. `loop_` tells our thread that it is
    // wanted.
    bool loop_free_ = false;
    bool driven_ = false;  // by a caller, since our thread looked last
    bool wanted_ = false;
    std::condition_variable loop_;
    std::atomic<bool> stop_{false};
    SpareCalls spare_calls_;
    Dispatcher dispatcher_;
    std::thread thread_;
};

}  // namespace skald::client
