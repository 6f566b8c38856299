// The newest batches of a partition in memory, so that live readers touch neither disk nor map and
// share one copy. Thread safe.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "skald/ids.h"

namespace skald::store {

using Frame = std::shared_ptr<const std::string>;

class FrameRing {
  public:
    // `bytes_max`: of memory, of which a batch may take more than its size.
    explicit FrameRing(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    // Batches come in their order, adjacent. The newest stays, whatever its size.
    void push(Offset base, Offset end, Frame frame);
    // The batch that holds the offset; null when it is not here.
    Frame find(Offset offset) const;
    // After a batch was rewritten: forgets everything.
    void clear();
    std::size_t owned_bytes() const;

  private:
    struct Entry {
        Offset base;
        Offset end;
        Frame frame;
    };
    mutable std::mutex mutex_;
    std::deque<Entry> entries_;
    std::size_t bytes_ = 0;
    std::size_t bytes_max_;
};

}  // namespace skald::store
