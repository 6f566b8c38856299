// Ephemeral events that are published in this process, on their way to the node's thread.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "store/ephemeral.h"

namespace skald::broker {

// Thread safe.
class EphemeralInbox {
  public:
    // `wake` is called once for whatever gathers until the next take().
    explicit EphemeralInbox(std::function<void()> wake) : wake_(std::move(wake)) {}

    // Beyond kRelayedEventsMax or kRelayedBytesMax: busy.
    Result<void> put(const store::EphemeralEvent& event);
    std::vector<store::EphemeralEvent> take();

  private:
    std::function<void()> wake_;
    std::mutex mutex_;
    std::vector<store::EphemeralEvent> events_;  // guarded by mutex_, like the next
    std::size_t bytes_ = 0;
};

}  // namespace skald::broker
