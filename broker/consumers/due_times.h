// When events that wait are due, the earliest first. A heap: a third of what a set takes, and there
// may be a million of them.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "skald/consumers.h"

namespace skald::broker {

// What was taken back stays until it is the first, or until more was taken back than not. `holds`
// says which still counts; it must be the same for each call. One thread at a time.
class DueTimes {
  public:
    using Due = std::pair<Time, Place>;

    bool empty() const { return heap_.empty(); }
    std::size_t size() const { return heap_.size(); }  // with those that do not count
    const Due& first() const { return heap_.front(); }
    void add(Time time, Place place) {
        heap_.emplace_back(time, place);
        std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
    }
    // To be called when some do not count any more, of which `count` do.
    template <typename Holds>
    void tidy(std::size_t count, const Holds& holds) {
        if (heap_.size() > 2 * count + kSpare) {
            std::erase_if(heap_, [&](const Due& due) { return !holds(due); });
            std::sort(heap_.begin(), heap_.end());  // which is a heap as well
            heap_.erase(std::unique(heap_.begin(), heap_.end()), heap_.end());
        }
        while (!heap_.empty() && !holds(heap_.front())) {
            std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
            heap_.pop_back();
        }
        if (heap_.capacity() > 4 * heap_.size() + kSpare) {
            heap_.shrink_to_fit();
        }
    }

  private:
    static constexpr std::size_t kSpare = 1024;
    std::vector<Due> heap_;
};

}  // namespace skald::broker
