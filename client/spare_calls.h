// Calls that are over, to be used again: the room of their requests need not be allocated anew on
// one thread and freed on another.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "client/session.h"

namespace skald::client {

// Thread safe. Holds at most limits::kClientSpareBytes: what is over is freed.
class SpareCalls {
  public:
    // Moves some into `calls`, which is empty; none when there are none.
    void take(std::vector<std::unique_ptr<Sequenced>>& calls);
    // Takes the calls out of what is finished.
    void give(std::span<Resolved> finished);

  private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<Sequenced>> calls_;  // guarded by mutex_, like the next
    std::size_t bytes_ = 0;
};

}  // namespace skald::client
