// Queues as whoever appends meets them: streams that hold no more of what is not done yet than
// their bounds say. What is done is told by the consumer that works the queue off.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skald/event.h"
#include "skald/result.h"

namespace skald::store {

// What an event counts for: its data and fields, the names of its stream and type, and 64 for the
// rest.
inline std::uint64_t kept_bytes(const EventView& event) {
    return event.data.size() + event.fields.size() + event.stream.size() + event.type.size() + 64;
}

// Thread safe.
class QueueGate {
  public:
    struct Amount {
        std::uint64_t count = 0;  // events
        std::uint64_t bytes = 0;  // by kept_bytes()
        bool operator==(const Amount&) const = default;
    };

    struct Rules {
        Amount most;
        std::chrono::nanoseconds wait{0};  // for room, of an append; 0: it is refused at once
    };

    // `on_room` is called, by any thread, when there may be room for what waits.
    explicit QueueGate(std::function<void()> on_room = {}) : on_room_(std::move(on_room)) {}

    // `held`: while nothing is appended to the stream.
    void open(std::string stream, Rules rules, Amount held);
    void set(std::string_view stream, Rules rules);
    void close(std::string_view stream);
    // Whether anything may wait; what does is told that there is room when it may not.
    void allow_waits(bool allowed);
    // Without it nobody needs to be asked.
    bool any() const { return queues_count_.load(std::memory_order_acquire) != 0; }

    // What comes to a stream, a stream once.
    struct Coming {
        std::string_view stream;
        Amount amount;
    };
    // All of it or nothing. Zero: it is in. Else there is no room, and whoever has `waited` so long
    // may wait so much longer for it. Errors: busy: there is no room, and no more waiting for it,
    // or none at all without `waited`; request_too_large: it would not fit into an empty queue.
    // Streams that are no queues take anything.
    Result<std::chrono::nanoseconds> enter(std::span<const Coming> come,
                                           std::optional<std::chrono::nanoseconds> waited = {});
    // They are done, or were not appended after all.
    void leave(std::string_view stream, Amount gone);
    std::optional<Amount> held(std::string_view stream) const;
    // Where there may be room, since the last call, for what was told to wait.
    std::vector<std::string> take_room();

  private:
    struct Queue {
        Rules rules;
        Amount held;
        bool awaited = false;  // somebody was told to wait for room
    };
    using Queues = std::map<std::string, Queue, std::less<>>;
    void change(std::string_view stream, const std::function<void(Queues::iterator)>& apply);

    const std::function<void()> on_room_;

    std::atomic<std::size_t> queues_count_{0};
    mutable std::mutex mutex_;
    Queues queues_;                  // guarded by mutex_
    std::vector<std::string> room_;  // likewise, and so is
    bool waits_ = true;              // likewise
};

}  // namespace skald::store
