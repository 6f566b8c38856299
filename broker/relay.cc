#include "broker/relay.h"

#include <utility>

#include "broker/limits.h"

namespace skald::broker {

Result<void> EphemeralInbox::put(const store::EphemeralEvent& event) {
    bool first = false;
    {
        const std::scoped_lock lock(mutex_);
        if (events_.size() >= kRelayedEventsMax || bytes_ >= kRelayedBytesMax) {
            return Error(Errc::busy, "the node has all the ephemeral events it can hold");
        }
        first = events_.empty();
        bytes_ += event.frame->size();
        events_.push_back(event);
    }
    if (first) {
        wake_();
    }
    return {};
}

std::vector<store::EphemeralEvent> EphemeralInbox::take() {
    const std::scoped_lock lock(mutex_);
    bytes_ = 0;
    return std::exchange(events_, {});
}

}  // namespace skald::broker
