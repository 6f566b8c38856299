// The client's thread for callbacks and handlers: apart from the socket's thread, so that a slow
// handler does not stop heartbeats.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/call_gate.h"
#include "client/session.h"
#include "skald/event_store.h"

namespace skald::client {

// What a handler used up, to be granted anew.
struct Consumed {
    SubscriptionId subscription = 0;
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
    bool ended = false;  // by its handler: unsubscribe
};

// A handler and whether it may still be called. Shared by its subscription and the dispatcher.
class HandlerSlot {
  public:
    explicit HandlerSlot(SubscriptionHandler& handler) : handler_(handler) {}
    // Where its subscription begins: before the first call.
    void begin(Position position) { taken_ = std::move(position); }
    // Calls the handler, unless it was closed. Returns what it used.
    Consumed call(Told& told);
    // No call runs when this returns, unless it is the caller's own.
    void close() { gate_.close(); }

  private:
    void take(Told& told, Consumed& used);
    bool decode(const Told& told, Consumed& used);
    void on_events(Told& told, Consumed& used);
    void on_ephemeral(Told& told, Consumed& used);
    void tell(Told& told, Consumed& used);
    void end(const Error& reason);

    SubscriptionHandler& handler_;
    CallGate gate_;
    Position taken_;  // behind what the handler has taken; since begin() of the dispatcher's thread
    std::vector<EventView> events_;  // of one delivery; its room serves the next
};

class Dispatcher {
  public:
    // The functions are called on the dispatcher's thread.
    struct Reports {
        std::function<void(std::vector<Consumed>)> consumed;
        std::function<void(std::size_t appends, std::size_t room)> resolved;
        std::function<void(std::span<Resolved>)> finished;  // may take the calls
    };
    explicit Dispatcher(Reports reports);
    ~Dispatcher();  // calls what is queued first
    Dispatcher(const Dispatcher&) = delete;
    Dispatcher& operator=(const Dispatcher&) = delete;

    // Moves both lists' content over. What is told to a subscription that is not added is kept
    // until it is.
    void post(std::vector<Resolved>& resolved, std::vector<Told>& told);
    void add(SubscriptionId id, std::shared_ptr<HandlerSlot> slot);
    void remove(SubscriptionId id);

  private:
    void run();
    void resolve(std::vector<Resolved>& resolved);
    void tell(std::vector<Told>& told);

    Reports reports_;
    std::mutex mutex_;
    std::condition_variable work_;
    std::vector<Resolved> resolved_;  // guarded by mutex_, like all below
    std::vector<Told> told_;
    std::unordered_map<SubscriptionId, std::shared_ptr<HandlerSlot>> slots_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace skald::client
