// Scavenges the volume on a thread of its own while the node serves, one run at a time.
#pragma once

#include <mutex>
#include <optional>
#include <thread>

#include "store/volume.h"
#include "wire/messages.h"

namespace skald::broker {

// Thread safe. The volume outlives it. Its end stops a run between two slices.
class ScavengeRunner {
  public:
    explicit ScavengeRunner(store::Volume& volume) : volume_(volume) {}

    // Begins the run unless it is the one begun last, and says how it stands. Errors: busy while
    // another one runs; else what ended this one.
    Result<wire::msg::ScavengeAnswer> ask(const wire::msg::Scavenge& question);

  private:
    void run(const std::stop_token& stop);

    store::Volume& volume_;
    std::mutex mutex_;
    Uuid run_;  // guarded by mutex_, like all below
    wire::msg::ScavengeAnswer standing_;
    std::optional<Error> failure_;
    std::jthread thread_;  // the last: it uses the others
};

}  // namespace skald::broker
