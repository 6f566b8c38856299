// Queues as whoever appends meets them: streams that hold no more of what is not done yet than
// their bounds say. What is done is told by the consumer that works the queue off.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

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

    // `held`: while nothing is appended to the stream.
    void open(std::string stream, Amount most, Amount held);
    void set_most(std::string_view stream, Amount most);
    void close(std::string_view stream);
    // Without it nobody needs to be asked.
    bool any() const { return queues_count_.load(std::memory_order_acquire) != 0; }

    // busy: the queue is full; request_too_large: it would not fit into an empty one. Streams that
    // are no queues take anything.
    Result<void> enter(std::string_view stream, Amount come);
    // They are done, or were not appended after all.
    void leave(std::string_view stream, Amount gone);
    std::optional<Amount> held(std::string_view stream) const;

  private:
    struct Queue {
        Amount most;
        Amount held;
    };

    std::atomic<std::size_t> queues_count_{0};
    mutable std::mutex mutex_;
    std::map<std::string, Queue, std::less<>> queues_;  // guarded by mutex_
};

}  // namespace skald::store
