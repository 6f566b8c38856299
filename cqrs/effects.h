// What the events of a batch want done outside, once their rows are committed.
//
// Threads: one.
#pragma once

#include <functional>
#include <vector>

#include "cqrs/model_progress.h"
#include "skald/event.h"
#include "skald/position.h"

namespace skald::cqrs {

class Effects {
  public:
    // What follows belongs to this event, whose place among others counts for absorb().
    void begin_event(Partition partition, Offset offset, std::size_t place = 0);
    void undo_event() { effects_.resize(before_); }
    void add(std::function<void()> act);
    bool empty() const { return effects_.empty(); }
    void clear();
    // Puts those of the others behind its own, in the order of their events' places.
    void absorb(const std::vector<Effects*>& others);
    // Calls those of events that are not before `muted_until`, and forgets all. Their exceptions go
    // to `progress`.
    void run(const Position& muted_until, ModelProgress& progress);

  private:
    struct Effect {
        Partition partition;  // of its event, like the next
        Offset offset;
        std::size_t place = 0;
        std::function<void()> act;
    };
    std::vector<Effect> effects_;
    std::size_t before_ = 0;  // of earlier events
    Partition partition_;
    Offset offset_;
    std::size_t place_ = 0;
};

}  // namespace skald::cqrs
