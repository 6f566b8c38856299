// Events that pass by the log: what one is, who gets it in this process, and the room that a
// subscription has for them.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"
#include "skald/event_store.h"
#include "wire/request.h"

namespace skald::store {

// A batch of one record that is in no log, as it goes to readers, and the event in it.
struct EphemeralEvent {
    std::shared_ptr<const std::string> frame;
    EventView view;  // points into the frame
};

// Functions that are called until their handle is gone. Thread safe.
template <typename Call>
class Attached {
  public:
    std::shared_ptr<void> attach(Call call) {
        const std::scoped_lock lock(mutex_);
        const auto at = calls_.insert(calls_.end(), std::move(call));
        return {&*at, [this, at](void*) {
                    const std::scoped_lock ending(mutex_);
                    calls_.erase(at);
                }};
    }
    // `visit` must neither attach nor let go of a handle.
    template <typename Visit>
    void each(const Visit& visit) {
        const std::scoped_lock lock(mutex_);
        for (const Call& call : calls_) {
            visit(call);
        }
    }

  private:
    std::mutex mutex_;
    std::list<Call> calls_;  // guarded by mutex_
};

// Between those who publish in this process, its subscriptions, and the node that serves it, if one
// does. Thread safe.
class EphemeralHub {
  public:
    // Runs in the publisher's thread; must not block nor call the hub.
    using Sink = std::function<void(const EphemeralEvent&)>;
    // The same; an error when it has no room.
    using Relay = std::function<Result<void>(const EphemeralEvent&)>;

    explicit EphemeralHub(const Clock& clock) : clock_(clock) {}

    // The event of a request that holds nothing but one event of one stream; else
    // invalid_argument.
    Result<EphemeralEvent> make(const wire::RequestView& request) const;
    // Makes it and hands it to the node's clients, and to subscriptions in this process. With a
    // relay's error: to nobody, but the relays before it.
    Result<void> publish(Bytes request);
    // To subscriptions in this process only.
    void deliver(const EphemeralEvent& event);

    // Ends with the handle, which the hub must outlive: no call runs after that.
    std::shared_ptr<void> attach(Sink sink) { return sinks_.attach(std::move(sink)); }
    std::shared_ptr<void> attach_relay(Relay relay) { return relays_.attach(std::move(relay)); }

  private:
    const Clock& clock_;
    Attached<Sink> sinks_;
    Attached<Relay> relays_;
};

// What one subscription in this process has still to be told: as much as its credit, then only
// counted. Its owner guards it.
class EphemeralQueue {
  public:
    struct Taken {
        std::deque<EphemeralEvent> events;
        std::uint64_t dropped = 0;  // after those
        bool empty() const { return events.empty() && dropped == 0; }
    };

    explicit EphemeralQueue(const Subscribe& request)
        : events_max_(request.events_in_flight), bytes_max_(request.bytes_in_flight) {}

    // Only a live subscription's events are taken on or counted.
    void set_live(bool live) { live_ = live; }
    void offer(const EphemeralEvent& event);
    bool empty() const { return taken_.empty(); }
    Taken take();

  private:
    std::size_t events_max_;
    std::size_t bytes_max_;
    bool live_ = false;
    std::size_t bytes_ = 0;
    Taken taken_;
};

// Until `stopped`.
void tell(SubscriptionHandler& handler, const EphemeralQueue::Taken& taken,
          const std::function<bool()>& stopped);

}  // namespace skald::store
