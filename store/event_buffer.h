// Events of a read, and the memory they point into.
//
// Threads: one; what the memory holds does not change, so events and memory may go anywhere.
#pragma once

#include <memory>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "skald/event.h"
#include "skald/result.h"
#include "store/frame_ring.h"

namespace skald::store {

class EventBuffer {
  public:
    EventBuffer();
    // Copies what the event points to.
    void copy(const EventView& event);
    // All events of a batch that was opened before, without a copy: it is kept. Corrupt when a
    // record is damaged.
    Result<void> keep(Frame frame, Partition partition);

    const std::vector<EventView>& events() const { return events_; }
    std::vector<EventView> take_events() { return std::move(events_); }
    std::shared_ptr<const void> memory() const { return memory_; }

  private:
    struct Memory {
        std::pmr::monotonic_buffer_resource bytes;
        std::vector<Frame> frames;
    };
    std::string_view stored(std::string_view bytes);

    std::shared_ptr<Memory> memory_;
    std::vector<EventView> events_;
    std::string_view stream_;  // copied last: neighbours mostly share it, like the type
    std::string_view type_;
};

}  // namespace skald::store
